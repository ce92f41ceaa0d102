"""The API that moves money and lists transactions, including the routes under `accounts/`."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse, HttpResponseBase
from django.urls import reverse
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.commands import OpenAccount
from accounts.permissions import CanManageAccounts, CanOpenAccounts, CanReadAccounts
from accounts.representation import represent as represent_account
from accounts.selectors import visible_account
from accounts.serializers import OpenAccountBody, OptionalReasonBody, ReasonBody, opening_defaults
from accounts.views import AccountViewSet
from core.api.conditions import answer
from core.api.idempotency import keyed_fields, replay_headers
from core.api.negotiation import FormatIsAParameter
from core.api.pagination import KeysetPagination, paginate_by_id
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction, has_right
from core.api.requests import (
    origin_of,
    parse_body,
    parse_query,
    refuse_query,
    without_nulls,
)
from core.errors import PermissionDenied
from transactions.api import schema
from transactions.api.answers import prefers_async, run
from transactions.api.batch_views import BatchRoute
from transactions.api.bodies import AmountBody, BalanceQuery, TransferBody
from transactions.api.csv_list import LIST_RENDERERS, wanted_file
from transactions.api.file_list import list_file
from transactions.api.filters import (
    EntryQuery,
    TransactionFilters,
    TransactionQuery,
    narrowed,
)
from transactions.api.opening import open_account
from transactions.api.permissions import (
    CanApproveTransactions,
    CanPostTransactions,
    CanReadTransactions,
    CanRetryTransactions,
    CanReverseTransactions,
    CanTransfer,
)
from transactions.api.retrying import retry_by
from transactions.api.serializers import (
    DirectedTransactionSerializer,
    TransactionSerializer,
)
from transactions.commands import (
    Approve,
    Cancel,
    Decision,
    Deposit,
    MoneyCommand,
    Reject,
    Reverse,
    Transfer,
    Withdraw,
)
from transactions.ledger.command import DEFAULTS
from transactions.ledger.idempotency import Replay
from transactions.models import Transaction
from transactions.reads import selectors
from transactions.reads.lists import TransactionList, list_for, owner_of, page_of_history
from transactions.reads.representation import (
    represent,
    represent_balance,
    represent_detail,
    represent_entry,
    represent_in_history,
)
from transactions.reads.rows import EntryRow


def _initial(deposit: Transaction) -> dict[str, str]:
    """The members of `InitialDepositSerializer`."""
    return {"transaction_id": str(deposit.pk), "status": deposit.status}


def _sequence(entry: EntryRow) -> int:
    assert entry.sequence is not None
    return entry.sequence


class MoneyAccountViewSet(AccountViewSet):
    """Accounts, with the routes that move money and list movements."""

    content_negotiation_class = FormatIsAParameter

    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        **AccountViewSet.permission_by_action,
        "create": CanOpenAccounts,
        "deposit": CanPostTransactions,
        "withdraw": CanPostTransactions,
        "transfer": CanTransfer,
        "transactions": CanReadTransactions,
        "entries": CanReadTransactions,
        "balance": CanReadAccounts,
    }

    @schema.open_account
    def create(self, request: Request) -> Response:
        refuse_query(request)
        body = parse_body(OpenAccountBody, request)
        if body.get("overdraft_limit") and not has_right(request.user, CanManageAccounts.right):
            raise PermissionDenied("Only a supervisor may give an overdraft limit.")
        # An initial balance is a deposit, and takes what a deposit takes.
        if body.get("initial_balance") and not CanPostTransactions().has_permission(request, self):
            raise PermissionDenied("An initial balance needs the right to post transactions.")
        keyed = keyed_fields(request, OpenAccount.verb, body, opening_defaults())
        values = {"currency": settings.BANK_DEFAULT_CURRENCY, **without_nulls(body), **keyed}
        values["customer_id"] = values.pop("customer", None)
        opened, deposit = open_account(
            values,
            owner=values.pop("owner", None),
            initial_balance=values.pop("initial_balance", None),
            origin=origin_of(request),
        )
        replayed, account_id = isinstance(opened, Replay), opened.id
        location = reverse("account-detail", kwargs={"account_id": account_id})
        return Response(
            represent_account(visible_account(request.user, account_id))
            | {"initial_deposit": deposit and _initial(deposit)},
            status=status.HTTP_201_CREATED,
            headers={
                "Location": request.build_absolute_uri(location),
                **replay_headers(replayed),
            },
        )

    @schema.deposit
    @action(detail=True, methods=["post"])
    def deposit(self, request: Request, account_id: UUID) -> HttpResponse:
        return self._move(request, Deposit, account_id, parse_body(AmountBody, request))

    @schema.withdraw
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, account_id: UUID) -> HttpResponse:
        return self._move(request, Withdraw, account_id, parse_body(AmountBody, request))

    @schema.transfer
    @action(detail=True, methods=["post"])
    def transfer(self, request: Request, account_id: UUID) -> HttpResponse:
        if not has_right(request.user, CanTransfer.right):
            visible_account(request.user, account_id)
        return self._move(request, Transfer, account_id, parse_body(TransferBody, request))

    @schema.account_transactions
    @action(detail=True, methods=["get"], renderer_classes=LIST_RENDERERS)
    def transactions(self, request: Request, account_id: UUID) -> HttpResponseBase:
        query, as_file = parse_query(TransactionFilters, request), wanted_file(request)
        owner_id = owner_of(request.user)
        of_account = TransactionList(owner_id=owner_id, account_ids=(account_id,))
        transactions = narrowed(of_account, query)
        words = partial(represent_in_history, account_id=account_id, tells_reasons=owner_id is None)
        if as_file:
            name = f"transactions-{visible_account(request.user, account_id).number}"
            columns = DirectedTransactionSerializer
            return list_file(as_file, transactions, columns, words, name, query)
        page = paginate_by_id(request, page_of_history(request.user, account_id, transactions))
        return page.response(request, [words(row) for row in page.results])

    @schema.account_entries
    @action(detail=True, methods=["get"])
    def entries(self, request: Request, account_id: UUID) -> HttpResponse:
        parse_query(EntryQuery, request)
        account = visible_account(request.user, account_id)
        page = KeysetPagination.paginate(
            request,
            partial(selectors.page_of_entries, account),
            key=_sequence,
            kind="entries",
            parse_key=int,
        )
        return page.response(request, [represent_entry(row) for row in page.results])

    @schema.account_balance
    @action(detail=True, methods=["get"])
    def balance(self, request: Request, account_id: UUID) -> HttpResponseBase:
        query = parse_query(BalanceQuery, request)
        account = visible_account(request.user, account_id)
        at = query.get("at")
        return answer(request, represent_balance(selectors.balance_report(account, at)))

    def _move(
        self,
        request: Request,
        command: type[MoneyCommand],
        account_id: UUID,
        body: dict[str, Any],
    ) -> HttpResponse:
        """Runs or queues one money command, once for its key."""
        content = {"account_id": account_id, **body}
        keyed = keyed_fields(request, command.verb, content, DEFAULTS)
        content = without_nulls(content)
        queued = prefers_async(request) or "scheduled_for" in content
        return run(request, command(**content, **keyed), own={account_id}, queued=queued)


class TransactionViewSet(BatchRoute, RuleOfEachAction, viewsets.ViewSet):
    """Transactions: the list with filters, and each with its ledger lines and events."""

    queryset = Transaction.objects.all()
    serializer_class = TransactionSerializer
    content_negotiation_class = FormatIsAParameter
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadTransactions,
        "retrieve": CanReadTransactions,
        "retry": CanRetryTransactions,
        "cancel": CanRetryTransactions,
        "batch": CanPostTransactions,
        "reverse": CanReverseTransactions,
        "approve": CanApproveTransactions,
        "reject": CanApproveTransactions,
    }
    http_method_names = ("get", "post", "patch", "head")
    lookup_field = "transaction_id"
    lookup_value_converter = CONVERTER

    def get_renderers(self) -> list[BaseRenderer]:
        if self.action == "list":
            return [renderer() for renderer in LIST_RENDERERS]
        return super().get_renderers()

    @schema.list_transactions
    def list(self, request: Request) -> HttpResponseBase:
        query, as_file = parse_query(TransactionQuery, request), wanted_file(request)
        if "idempotency_key" in query:
            query["idempotency_caller"] = origin_of(request).caller
        visible, own = list_for(request.user, query.get("account"))
        transactions = narrowed(visible, query)
        words = partial(represent, own=own)
        if as_file:
            columns = TransactionSerializer
            return list_file(as_file, transactions, columns, words, "transactions", query)
        page = paginate_by_id(request, transactions.page)
        return page.response(request, [words(row) for row in page.results])

    @schema.retrieve_transaction
    def retrieve(self, request: Request, transaction_id: UUID) -> HttpResponseBase:
        detail = selectors.transaction_detail(request.user, transaction_id)
        return answer(request, represent_detail(detail))

    @schema.retry
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, transaction_id: UUID) -> HttpResponse:
        body = parse_body(ReasonBody, request)
        queued = prefers_async(request)
        command = retry_by(
            request.user, transaction_id=transaction_id, reason=body["reason"], queued=queued
        )
        return run(request, command, own=None, queued=queued)

    @schema.reverse
    @action(detail=True, methods=["post"])
    def reverse(self, request: Request, transaction_id: UUID) -> HttpResponse:
        body = parse_body(ReasonBody, request)
        content = {"transaction_id": transaction_id, **body}
        command = Reverse(**content, **keyed_fields(request, Reverse.verb, content))
        return run(request, command, own=None, queued=prefers_async(request))

    @schema.cancel
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, transaction_id: UUID) -> HttpResponse:
        return _decide(request, Cancel, transaction_id, ReasonBody)

    @schema.approve
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, transaction_id: UUID) -> HttpResponse:
        return _decide(request, Approve, transaction_id, OptionalReasonBody)

    @schema.reject
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, transaction_id: UUID) -> HttpResponse:
        return _decide(request, Reject, transaction_id, ReasonBody)


def _decide(
    request: Request,
    decision: type[Decision],
    transaction_id: UUID,
    body: type[ReasonBody | OptionalReasonBody],
) -> HttpResponse:
    reason = parse_body(body, request)["reason"]
    return run(request, decision(transaction_id=transaction_id, reason=reason), own=None)
