"""The API of holds: place, list, read, capture and void."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.urls import reverse
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import visible_account
from accounts.serializers import OptionalReasonBody
from core.api.idempotency import keyed_fields, replay_headers
from core.api.pagination import page_of, paginate_by_id
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction
from core.api.requests import origin_of, parse_body, parse_query, without_nulls
from transactions.api import hold_schema as schema
from transactions.api.answers import run
from transactions.api.dry_run import is_dry_run
from transactions.api.hold_bodies import (
    CaptureBody,
    HoldBody,
    HoldDetailSerializer,
    HoldDryRunSerializer,
    HoldQuery,
    HoldSerializer,
    HoldsQuery,
)
from transactions.api.permissions import CanPostTransactions, CanReadHolds
from transactions.commands import Capture, PlaceHold, VoidHold
from transactions.ledger.command import DEFAULTS
from transactions.ledger.idempotency import Replay
from transactions.ledger.processor import process, try_out
from transactions.models import Hold
from transactions.reads.holds import visible_hold, visible_holds


class NewHoldViewSet(RuleOfEachAction, viewsets.ViewSet):
    """`accounts/{account_id}/hold/`: places a hold."""

    queryset = Hold.objects.all()
    serializer_class = HoldSerializer
    http_method_names = ("post",)
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "create": CanPostTransactions,
    }

    @schema.place
    def create(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(HoldBody, request)
        content = {"account_id": account_id, **body}
        keyed = keyed_fields(request, PlaceHold.verb, content, DEFAULTS)
        return _answer(request, PlaceHold(**without_nulls(content), **keyed))


class AccountHoldsViewSet(RuleOfEachAction, viewsets.ViewSet):
    """`accounts/{account_id}/holds/`: the holds of an account."""

    queryset = Hold.objects.all()
    serializer_class = HoldSerializer
    http_method_names = ("get", "head")
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {"list": CanReadHolds}

    @schema.list_of_account
    def list(self, request: Request, account_id: UUID) -> HttpResponse:
        query = parse_query(HoldQuery, request)
        visible_account(request.user, account_id)
        holds = visible_holds(request.user).filter(account=account_id)
        return _page(request, holds, query)


class HoldViewSet(RuleOfEachAction, viewsets.ViewSet):
    """`holds/`: the list with filters, and each hold with its captures."""

    queryset = Hold.objects.all()
    serializer_class = HoldSerializer
    http_method_names = ("get", "post", "head")
    lookup_field = "hold_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadHolds,
        "retrieve": CanReadHolds,
        "capture": CanPostTransactions,
        "void": CanPostTransactions,
    }

    @schema.list_holds
    def list(self, request: Request) -> HttpResponse:
        return _page(request, visible_holds(request.user), parse_query(HoldsQuery, request))

    @schema.retrieve
    def retrieve(self, request: Request, hold_id: UUID) -> Response:
        return Response(HoldDetailSerializer(visible_hold(request.user, hold_id)).data)

    @schema.capture
    @action(detail=True, methods=["post"])
    def capture(self, request: Request, hold_id: UUID) -> HttpResponse:
        content = {"hold_id": hold_id, **parse_body(CaptureBody, request)}
        keyed = keyed_fields(request, Capture.verb, content, {"final": False})
        return run(request, Capture(**without_nulls(content), **keyed), own=None)

    @schema.void
    @action(detail=True, methods=["post"])
    def void(self, request: Request, hold_id: UUID) -> Response:
        reason = parse_body(OptionalReasonBody, request)["reason"]
        return _answer(request, VoidHold(hold_id=hold_id, reason=reason))


def _page(request: Request, holds: QuerySet[Hold], query: dict[str, Any]) -> HttpResponse:
    wanted = {name: query[name] for name in ("status", "account") if name in query}
    page = paginate_by_id(request, page_of(holds.filter(**wanted)))
    return page.response(request, HoldSerializer(page.results, many=True).data)


def _answer(request: Request, command: PlaceHold | VoidHold) -> Response:
    """Runs the command, and returns the response with the hold: 201 for a new one."""
    origin = origin_of(request)
    result: Any
    if is_dry_run(request):
        (result,) = try_out([command], origin)
        replays = result.id if isinstance(result, Replay) else None
        hold = result.as_hold() if isinstance(result, Replay) else result
        return Response(HoldDryRunSerializer(hold, context={"replays": replays}).data)
    (result,) = process([command], origin)
    if isinstance(command, VoidHold):
        return Response(HoldSerializer(result).data)
    replayed = isinstance(result, Replay)
    hold = result.as_hold() if replayed else result
    route = reverse("hold-detail", kwargs={"hold_id": hold.pk})
    return Response(
        HoldSerializer(hold).data,
        status=status.HTTP_201_CREATED,
        headers={"Location": request.build_absolute_uri(route), **replay_headers(replayed)},
    )
