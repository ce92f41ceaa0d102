"""`?dry_run=true`: checks everything and responds as usual, but stores nothing."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from core import clock
from core.api.requests import parse_query
from core.api.serializers import StrictSerializer
from core.commands import Origin
from core.errors import AccountClosed, AccountFrozen, BalanceLimit, InsufficientFunds
from transactions.api.serializers import TransactionSerializer
from transactions.commands import Capture, Decision, MoneyCommand, Retry, Reverse
from transactions.ledger import processor
from transactions.queue.acceptance import check_horizon
from transactions.states import TransactionStatus

# No refusal, or refusals that depend on the state of the accounts at posting.
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
class AlwaysTrueField(serializers.BooleanField):
    """Distinguishes a dry run from a real response."""


class DryRunSerializer(TransactionSerializer):
    """The transaction as it would be, without an id, a key or times of storage.

    The context is that of TransactionSerializer, with `replays` added: the id of the transaction
    that already has the request's idempotency key, or None.
    """

    dry_run = AlwaysTrueField(read_only=True, help_text="Always true: nothing was done.")
    replays = serializers.UUIDField(
        read_only=True,
        allow_null=True,
        help_text="The transaction that already has this idempotency key: the request would return"
        " it and do nothing. Null if the request would take effect.",
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
    """Whether the query asks for a dry run.

    Raises InvalidInput for any other parameter: a misspelt one would move money.
    """
    if not request.query_params:
        return False
    return bool(parse_query(DryRunQuery, request)["dry_run"] == "true")


def try_out(
    command: MoneyCommand | Reverse | Capture | Decision,
    origin: Origin,
    own: Collection[UUID] | None,
    *,
    waits: bool = False,
) -> dict[str, Any]:
    """Runs a dry run on the accounts as they stand now, even for scheduled or queued commands.

    Returns the members of the response. With `waits` the response says only that the transaction
    would wait, as the real response does. If it said whether the transaction can be posted, it
    would reveal the state of another customer's account, and the question would leave no trace.
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
    return DryRunSerializer(transaction, context=context).data
