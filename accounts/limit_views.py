"""The API of limits that need a second person."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import schema
from accounts.commands import ApproveLimit, LimitDecision, RejectLimit
from accounts.filters import LimitRequestQuery
from accounts.models import LimitRequest
from accounts.permissions import CanManageAccounts, CanSeeLimitRequests
from accounts.selectors import limit_request, limit_requests
from accounts.serializers import LimitRequestSerializer, OptionalReasonBody, ReasonBody
from core.api.pagination import page_of, paginate_by_id
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction
from core.api.requests import origin_of, parse_body, parse_query, refuse_query
from core.commands import process


class LimitRequestViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Requests for overdraft limits: list, read and decide."""

    queryset = LimitRequest.objects.all()
    serializer_class = LimitRequestSerializer
    http_method_names = ("get", "post", "head")
    lookup_field = "limit_request_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanSeeLimitRequests,
        "retrieve": CanSeeLimitRequests,
        "approve": CanManageAccounts,
        "reject": CanManageAccounts,
    }

    @schema.list_limit_requests
    def list(self, request: Request) -> HttpResponse:
        query = parse_query(LimitRequestQuery, request)
        wanted = {name: query[name] for name in ("status", "account") if name in query}
        page = paginate_by_id(request, page_of(limit_requests().filter(**wanted)))
        return page.response(request, LimitRequestSerializer(page.results, many=True).data)

    @schema.retrieve_limit_request
    def retrieve(self, request: Request, limit_request_id: UUID) -> Response:
        return Response(LimitRequestSerializer(limit_request(limit_request_id)).data)

    @schema.approve_limit_request
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, limit_request_id: UUID) -> Response:
        body = parse_body(OptionalReasonBody, request)
        return self._decide(request, limit_request_id, ApproveLimit, body)

    @schema.reject_limit_request
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, limit_request_id: UUID) -> Response:
        body = parse_body(ReasonBody, request)
        return self._decide(request, limit_request_id, RejectLimit, body)

    def _decide(
        self,
        request: Request,
        limit_request_id: UUID,
        decision: type[LimitDecision],
        body: dict[str, Any],
    ) -> Response:
        refuse_query(request)
        account_id = limit_request(limit_request_id).account_id
        command = decision(account_id=account_id, request_id=limit_request_id, **body)
        process([command], origin_of(request))
        return Response(LimitRequestSerializer(limit_request(limit_request_id)).data)


def limit_waits(request: Request, request_id: UUID) -> Response:
    """202 with the stored request: the answer to a change that waits for a second person."""
    asked = limit_request(request_id)
    location = reverse("limit-request-detail", kwargs={"limit_request_id": asked.pk})
    return Response(
        LimitRequestSerializer(asked).data,
        status=status.HTTP_202_ACCEPTED,
        headers={"Location": request.build_absolute_uri(location)},
    )
