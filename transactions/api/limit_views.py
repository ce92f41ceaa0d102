"""The API of limits on payments: read those of an account, and set them."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.commands import ChangeLimits
from accounts.limit_views import limit_waits
from accounts.permissions import CanManageAccounts, CanReadAccounts
from accounts.selectors import visible_accounts
from core.api.requests import origin_of, parse_body, refuse_query
from core.commands import process
from core.errors import NotFound
from transactions.api import limit_schema as schema
from transactions.reads.limits import limits_of

_RULES: dict[str, type[BasePermission]] = {
    "GET": CanReadAccounts,
    "HEAD": CanReadAccounts,
    "POST": CanManageAccounts,
}


class AccountLimitsView(APIView):
    """`accounts/{account_id}/limits/`: for staff, and for the account's owner to read."""

    def get_permissions(self) -> list[BasePermission]:
        """A method that the route does not have needs no right: any known caller gets 405."""
        return [_RULES.get(self.request.method or "", IsAuthenticated)()]

    @schema.read_limits
    def get(self, request: Request, account_id: UUID) -> HttpResponse:
        refuse_query(request)
        account = visible_accounts(request.user).filter(pk=account_id).first()
        if account is None or account.balance is None:
            raise NotFound(f"There is no account {account_id} of a customer.")
        return Response(schema.LimitsSerializer(limits_of(account)).data)

    @schema.change_limits
    def post(self, request: Request, account_id: UUID) -> HttpResponse:
        body: dict[str, Any] = parse_body(schema.LimitsBody, request)
        refuse_query(request)
        (account,) = process([ChangeLimits(account_id=account_id, **body)], origin_of(request))
        if account.asked_limit_id is None:
            return Response(schema.LimitsSerializer(limits_of(account)).data)
        return limit_waits(request, account.asked_limit_id)
