"""`?dry_run=true`: everything is checked and answered as it would be, and nothing is stored."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.requests import parse_query
from core.api.serializers import StrictSerializer
from core.commands import Origin
from core.errors import AccountClosed, AccountFrozen, BalanceLimit, InsufficientFunds
from transactions.api.serializers import TransactionSerializer
from transactions.commands import Decision, MoneyCommand, Retry, Reverse
from transactions.ledger import processor
from transactions.queue.acceptance import check_horizon
from transactions.states import TransactionStatus

# Nothing, or what only the accounts as they are then decide.
_KNOWN_WHEN_POSTED = {
    "",
    AccountClosed.code,
    AccountFrozen.code,
    InsufficientFunds.code,
    BalanceLimit.code,
}


class DryRunQuery(StrictSerializer):
    """Query parameters of the routes that move money."""

    dry_run = serializers.ChoiceField(["true", "false"], default="false")


@extend_schema_field({"type": "boolean", "example": True})
class _AlwaysTrueField(serializers.BooleanField):
    """What tells a dry run from the answer of what was done."""


class DryRunSerializer(TransactionSerializer):
    """What would happen. It has no id and no key, and none of the times of what is stored.

    Context as of TransactionSerializer, and `replays`: the id of the transaction that the request's
    idempotency key stands for already, or None.
    """

    dry_run = _AlwaysTrueField(read_only=True, help_text="Always true: nothing was done.")
    replays = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The transaction that the idempotency key stands for already: it would be"
        " answered as it is, and nothing done. Null if the request would be done.",
    )

    class Meta(TransactionSerializer.Meta):
        fields = (
            "dry_run",
            "replays",
            "type",
            "status",
            "account_id",
            "target_account_id",
            "amount",
            "currency",
            "balance_after",
            "description",
            "failure",
            "approval_required",
            "scheduled_for",
            "reverses",
            "effective_at",
        )
        read_only_fields = fields

    def further_members(self, instance: Any) -> dict[str, Any]:
        replays = self.context["replays"]
        return {"dry_run": True, "replays": replays and str(replays)}


def is_dry_run(request: Request) -> bool:
    """Whether the query asks for nothing to be done. Raises InvalidInput for any other parameter:
    a misspelt one would move money.
    """
    if not request.query_params:
        return False
    return bool(parse_query(DryRunQuery, request)["dry_run"] == "true")


def try_out(
    command: MoneyCommand | Reverse | Decision,
    origin: Origin,
    own: Collection[UUID] | None,
    *,
    waits: bool = False,
) -> Response:
    """What is scheduled or queued is tried as the accounts stand now.

    `waits` says that it is answered as waiting, as the real request would be: whether it can be
    posted would tell a customer the state of an account that is not theirs, and leave no trace.
    """
    if isinstance(command, MoneyCommand) and command.scheduled_for:
        check_horizon(command.scheduled_for, clock.now())
    if isinstance(command, Retry):
        command = replace(command, queued=False)
    (outcome,) = processor.try_out([command], origin)
    transaction = outcome.as_transaction()
    if waits and not outcome.replayed and transaction.failure_code in _KNOWN_WHEN_POSTED:
        transaction.status = TransactionStatus.PENDING
        transaction.failure_code = transaction.failure_detail = ""
        transaction.debit_balance_after = transaction.credit_balance_after = None
    elif not outcome.replayed and (refusal := outcome.refusal()):
        refusal.transaction_id = None
        raise refusal
    context = {
        "own_account_ids": own,
        "replays": transaction.pk if outcome.replayed else None,
    }
    return Response(DryRunSerializer(transaction, context=context).data)
