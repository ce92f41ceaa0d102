"""The OpenAPI schema of batches."""

from typing import Any

from drf_spectacular.utils import (
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers

from core.api.describe import IDEMPOTENCY_KEY, either, errors, request_example, response_example
from core.api.fields import (
    AmountInputField,
    OffsetDateTimeField,
    StrictBooleanField,
    StrictUUIDField,
)
from core.api.idempotency import MAX_KEY_LENGTH
from core.texts import MAX_REASON_LENGTH
from transactions.api.bodies import description_field, value_date_field
from transactions.api.examples import SOURCE_ID, TARGET_ID, TRANSFER_EXAMPLE
from transactions.api.parameters import DRY_RUN, PREFER
from transactions.api.schema import MONEY_TAG
from transactions.api.serializers import FailureSerializer
from transactions.batches.about_holds import KINDS as KINDS_ABOUT_HOLDS
from transactions.batches.about_holds import MAX_HOLD_ITEMS
from transactions.batches.input import KINDS
from transactions.batches.post import MAX_ITEMS
from transactions.states import TransactionStatus


class BatchItem(serializers.Serializer[Any]):
    """One movement of money, or what is done about a hold."""

    # For speed, `transactions.batches.input` reads it.

    type = serializers.ChoiceField(
        [*KINDS, *KINDS_ABOUT_HOLDS],
        help_text="A movement; or `HOLD`, `CAPTURE` or `VOID`, with the members of their routes.",
    )
    account_id = StrictUUIDField(
        required=False,
        help_text="The account to credit for a deposit, else the account to debit. Required, but"
        " refused for `CAPTURE` and `VOID`.",
    )
    target_account_id = StrictUUIDField(
        required=False,
        allow_null=True,
        help_text="The account to credit: required for a transfer, possible for a `HOLD`.",
    )
    amount = AmountInputField(
        required=False,
        help_text="Required, but optional for `CAPTURE` and refused for `VOID`: main units, above"
        " zero, with at most as many decimals as the currency has.",
    )
    hold_id = StrictUUIDField(
        required=False, help_text="The hold: required for `CAPTURE` and `VOID`, else refused."
    )
    final = StrictBooleanField(
        required=False,
        allow_null=True,
        help_text="Of a `CAPTURE`: whether it releases the rest. Default: false.",
    )
    expires_at = OffsetDateTimeField(
        required=False, allow_null=True, help_text="Of a `HOLD`: when it ends (RFC 3339)."
    )
    reason = serializers.CharField(
        required=False, allow_null=True, max_length=MAX_REASON_LENGTH, help_text="Of a `VOID`: why."
    )
    description = description_field()
    effective_at = value_date_field()
    idempotency_key = serializers.RegexField(
        "^[!-~]+$",
        required=False,
        allow_null=True,
        max_length=MAX_KEY_LENGTH,
        help_text="Makes this one movement happen once, in whatever request it comes again. No key"
        " twice in a batch, that of the header included.",
    )


class BatchBody(serializers.Serializer[Any]):
    """The body of `transactions/batch/`."""

    atomic = StrictBooleanField(
        required=False,
        default=False,
        help_text="`true`: all or nothing. `false`: each item succeeds or fails alone.",
    )
    transactions = serializers.ListField(
        child=BatchItem(),
        min_length=1,
        max_length=MAX_ITEMS,
        help_text="Processed in this order: later items see the effects of earlier ones.",
    )


class _Result(serializers.Serializer[Any]):
    index = serializers.IntegerField(min_value=0, help_text="Which item, counted from 0.")
    status = serializers.ChoiceField(
        TransactionStatus.choices, help_text="How it ended; PENDING waits for worker or approval."
    )
    balance_after = serializers.SerializerMethodField(
        help_text="Balance after it: of the debited customer, else of the credited one."
    )
    failure = FailureSerializer(allow_null=True, help_text="Why it failed; null if it did not.")
    hold_id = serializers.UUIDField(
        required=False,
        allow_null=True,
        help_text="The hold of an item about one; null if none was placed.",
    )

    @extend_schema_field({"type": "string", "nullable": True, "example": "174.50"})
    def get_balance_after(self, _: Any) -> str | None:
        raise NotImplementedError("Only described here; transactions.api.batch_answer writes it.")


class BatchResult(_Result):
    transaction_id = serializers.UUIDField(
        allow_null=True,
        help_text="The transaction that it made; null if it is about a hold and made none.",
    )
    replayed = serializers.BooleanField(
        help_text="Whether its idempotency key was known: already done; nothing was repeated."
    )


class BatchDryRunResult(_Result):
    replays = serializers.UUIDField(
        allow_null=True, help_text="The transaction, or the hold, that already has this key."
    )


class _Summary(serializers.Serializer[Any]):
    atomic = serializers.BooleanField(help_text="As it was asked for.")
    completed = serializers.IntegerField(help_text="How many items are COMPLETED.")
    failed = serializers.IntegerField(help_text="How many are FAILED.")
    pending = serializers.IntegerField(help_text="How many wait.")


class BatchAnswer(_Summary):
    """The result of a batch."""

    batch_id = serializers.UUIDField(help_text="Identifier of the batch (UUIDv7).")
    results = BatchResult(many=True, help_text="One for each item, in order.")


class BatchDryRun(_Summary):
    """The result that the batch would have. Nothing is stored."""

    dry_run = serializers.BooleanField(help_text="Always true: nothing was done.")
    replays = serializers.UUIDField(
        allow_null=True, help_text="The batch that already has this idempotency key."
    )
    results = BatchDryRunResult(many=True, help_text="One for each item, in order.")


_REQUEST = {
    "atomic": False,
    "transactions": [
        {
            "type": "TRANSFER",
            "account_id": SOURCE_ID,
            "target_account_id": TARGET_ID,
            "amount": "75.50",
            "description": "Salary, January",
            "idempotency_key": "salary-2026-01-0001",
        },
        {"type": "WITHDRAW", "account_id": SOURCE_ID, "amount": "500.00"},
    ],
}
_REFUSED = {
    "code": "insufficient_funds",
    "detail": "174.50 USD available, 500.00 USD needed.",
    "retryable": True,
}
_SUMMARY = {"atomic": False, "completed": 1, "failed": 1, "pending": 0}
_ITEMS: list[dict[str, Any]] = [
    {"index": 0, "status": "COMPLETED", "balance_after": "174.50", "failure": None},
    {"index": 1, "status": "FAILED", "balance_after": None, "failure": _REFUSED},
]
_IDS = (TRANSFER_EXAMPLE["transaction_id"], "019ab0d4-51c8-7e02-8001-4c1f7be0a2d9")
_ANSWER = {
    "batch_id": "019ab0d4-51c8-7e02-8000-0a5b7c1d2e3f",
    **_SUMMARY,
    "results": [
        {**item, "transaction_id": transaction_id, "replayed": False}
        for item, transaction_id in zip(_ITEMS, _IDS, strict=True)
    ],
}
_DRY_RUN = {
    "dry_run": True,
    "replays": None,
    **_SUMMARY,
    "results": [{**item, "replays": None} for item in _ITEMS],
}
_QUEUED = {
    **_ANSWER,
    "completed": 0,
    "failed": 0,
    "pending": 2,
    "results": [
        {**result, "status": "PENDING", "balance_after": None, "failure": None}
        for result in _ANSWER["results"]  # type: ignore[attr-defined]
    ],
}


batch = extend_schema(
    operation_id="transactions_batch",
    tags=[MONEY_TAG],
    summary="Move money many times",
    description=(
        f"Up to {MAX_ITEMS:,} movements and 4 MB, processed in order in one database transaction."
        f" Without `atomic` each item succeeds or fails alone and has its own result: a refused"
        f" item is stored as a FAILED transaction, and one that needs approval waits. With"
        f" `atomic` the first refusal ends the batch: the error has its `index` and"
        f" `transaction_id`, that transaction is stored as FAILED for good, and nothing else is;"
        f" an item that needs approval refuses the whole batch. A bad request stores nothing, and"
        f" `errors` points at each bad item, the first 100."
        " With `Prefer: respond-async` the items are queued, and the response is 202 while one"
        " waits; an atomic batch, and one with items about holds, still runs at once."
        f" Up to {MAX_HOLD_ITEMS:,} items may place, capture or void holds. A refused one stores"
        " nothing about its hold; in an atomic batch nothing at all is stored then."
        " The header's key identifies the whole batch, an item's key that item."
    ),
    parameters=[IDEMPOTENCY_KEY, PREFER, DRY_RUN],
    request=BatchBody,
    responses={
        200: either("BatchAnswerOrDryRun", BatchAnswer, BatchDryRun),
        202: BatchAnswer,
    },
    examples=[
        request_example(_REQUEST),
        response_example("Done", _ANSWER, 200),
        response_example("Dry run", _DRY_RUN, 200),
        response_example("Queued", _QUEUED, 202),
    ],
    extensions=errors(
        "not_found",
        "account_closed",
        "account_frozen",
        "account_damaged",
        "insufficient_funds",
        "limit_exceeded",
        "balance_limit",
        "approval_required",
        "invalid_transition",
        "idempotency_key_reused",
    ),
)
