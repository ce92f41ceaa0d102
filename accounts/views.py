"""The API of accounts: reading them, and the commands of staff that move no money.

`transactions.api.views` adds the routes that move money or list transactions, opening included.
"""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import schema
from accounts.commands import (
    AccountCommand,
    ChangeMetadata,
    ChangeOverdraftLimit,
    CloseAccount,
    ExpectAccount,
    FreezeAccount,
    GiveCustomer,
    ReleaseDebits,
    RenameAccount,
    ReopenAccount,
    UnfreezeAccount,
)
from accounts.filters import AccountQuery, condition_of
from accounts.limit_views import limit_waits
from accounts.models import Account
from accounts.permissions import CanManageAccounts, CanOpenAccounts, CanReadAccounts
from accounts.representation import represent
from accounts.selectors import page_of_accounts, visible_account
from accounts.serializers import (
    AccountSerializer,
    ChangeAccountBody,
    FreezeBody,
    GiveCustomerBody,
    OverdraftLimitBody,
    ReasonBody,
)
from accounts.states import FreezeScope
from core.api.conditions import Precondition, answer, tagged
from core.api.pagination import paginate_by_id
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction
from core.api.requests import origin_of, parse_body, parse_query, refuse_query
from core.commands import process
from core.identifiers import created_between


class AccountViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Accounts."""

    queryset = Account.objects.all()
    serializer_class = AccountSerializer
    http_method_names = ("get", "post", "patch", "head")
    lookup_field = "account_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadAccounts,
        "retrieve": CanReadAccounts,
        "partial_update": CanOpenAccounts,
        "customer": CanManageAccounts,
        "freeze": CanManageAccounts,
        "unfreeze": CanManageAccounts,
        "close": CanManageAccounts,
        "reopen": CanManageAccounts,
        "release_debits": CanManageAccounts,
        "overdraft_limit": CanManageAccounts,
    }

    @schema.list_accounts
    def list(self, request: Request) -> HttpResponse:
        query = parse_query(AccountQuery, request)
        ids = created_between(query.get("created_after"), query.get("created_before"))
        page = paginate_by_id(request, page_of_accounts(request.user, condition_of(query), ids))
        return page.response(request, [represent(row) for row in page.results])

    @schema.retrieve_account
    def retrieve(self, request: Request, account_id: UUID) -> HttpResponse:
        return answer(request, represent(visible_account(request.user, account_id)))

    @schema.change_account
    def partial_update(self, request: Request, account_id: UUID) -> HttpResponse:
        body = parse_body(ChangeAccountBody, request)
        commands: list[AccountCommand] = []
        if precondition := Precondition.of(request):
            commands.append(ExpectAccount(account_id=account_id, precondition=precondition))
        if "name" in body:
            commands.append(RenameAccount(account_id=account_id, name=body["name"]))
        if "metadata" in body:
            commands.append(ChangeMetadata(account_id=account_id, metadata=body["metadata"]))
        refuse_query(request)
        return tagged(request, represent(process(commands, origin_of(request))[-1]))

    @schema.give_customer
    @action(detail=True, methods=["post"])
    def customer(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(GiveCustomerBody, request)
        command = GiveCustomer(
            account_id=account_id, customer_id=body["customer"], reason=body["reason"]
        )
        return self._run(request, [command])

    @schema.freeze_account
    @action(detail=True, methods=["post"])
    def freeze(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(FreezeBody, request)
        command = FreezeAccount(
            account_id=account_id, scope=FreezeScope(body["scope"]), reason=body["reason"]
        )
        return self._run(request, [command])

    @schema.unfreeze_account
    @action(detail=True, methods=["post"])
    def unfreeze(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(ReasonBody, request)
        return self._run(request, [UnfreezeAccount(account_id=account_id, reason=body["reason"])])

    @schema.close_account
    @action(detail=True, methods=["post"])
    def close(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(ReasonBody, request)
        return self._run(request, [CloseAccount(account_id=account_id, reason=body["reason"])])

    @schema.reopen_account
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(ReasonBody, request)
        return self._run(request, [ReopenAccount(account_id=account_id, reason=body["reason"])])

    @schema.release_debits
    @action(detail=True, methods=["post"])
    def release_debits(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(ReasonBody, request)
        return self._run(request, [ReleaseDebits(account_id=account_id, reason=body["reason"])])

    @schema.change_overdraft_limit
    @action(detail=True, methods=["post"])
    def overdraft_limit(self, request: Request, account_id: UUID) -> Response:
        body = parse_body(OverdraftLimitBody, request)
        command = ChangeOverdraftLimit(
            account_id=account_id,
            overdraft_limit=body["overdraft_limit"],
            reason=body["reason"],
        )
        refuse_query(request)
        (account,) = process([command], origin_of(request))
        if account.asked_limit_id is None:
            return Response(represent(account))
        return limit_waits(request, account.asked_limit_id)

    def _run(self, request: Request, commands: Sequence[AccountCommand]) -> Response:
        """Runs the commands, all or none. The response has the account after them."""
        refuse_query(request)
        accounts = process(commands, origin_of(request))
        return Response(represent(accounts[-1]))
