"""The OpenAPI schema of the routes of holds."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
)

from accounts.schema import ACCOUNT_ID
from accounts.serializers import OptionalReasonBody
from core.api.describe import (
    IDEMPOTENCY_KEY,
    either,
    errors,
    page_example,
    page_of,
    request_example,
    response_example,
)
from transactions.api.dry_run import DryRunSerializer
from transactions.api.examples import SOURCE_ID, TARGET_ID, TRANSFER_EXAMPLE
from transactions.api.examples import dry_run_of as transaction_dry_run_of
from transactions.api.hold_bodies import (
    CaptureBody,
    HoldBody,
    HoldDetailSerializer,
    HoldDryRunSerializer,
    HoldQuery,
    HoldSerializer,
    HoldsQuery,
)
from transactions.api.parameters import DRY_RUN
from transactions.api.serializers import TransactionSerializer

TAG = "Holds"

HOLD_ID = OpenApiParameter(
    "hold_id", UUID, OpenApiParameter.PATH, description="Identifier of the hold (UUID)."
)

HOLD_EXAMPLE: dict[str, Any] = {
    "hold_id": "019ab0d5-10f4-7c58-8000-3f2b8e6a90d1",
    "account_id": SOURCE_ID,
    "target_account_id": TARGET_ID,
    "amount": "45.00",
    "captured": "0.00",
    "held": "45.00",
    "currency": "USD",
    "status": "OPEN",
    "description": "Hotel, two nights",
    "expires_at": "2026-02-07T09:40:00.000000Z",
    "created_at": "2026-01-31T09:40:00.000000Z",
    "updated_at": "2026-01-31T09:40:00.000000Z",
    "ended_at": None,
}
_CAPTURE_EXAMPLE = {
    "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
    "amount": "30.00",
    "status": "COMPLETED",
    "final": False,
    "created_at": "2026-02-01T11:00:00.000000Z",
}
_DETAIL_EXAMPLE = {
    **HOLD_EXAMPLE,
    "captured": "30.00",
    "held": "15.00",
    "updated_at": "2026-02-01T11:00:00.000000Z",
    "captures": [_CAPTURE_EXAMPLE],
}
_VOIDED_EXAMPLE = {
    **HOLD_EXAMPLE,
    "held": "0.00",
    "status": "VOIDED",
    "updated_at": "2026-02-01T11:00:00.000000Z",
    "ended_at": "2026-02-01T11:00:00.000000Z",
}
_CAPTURED = {
    **TRANSFER_EXAMPLE,
    "amount": "30.00",
    "balance_after": "144.50",
    "description": HOLD_EXAMPLE["description"],
}
_WAITING = {**_CAPTURED, "status": "PENDING", "balance_after": None, "completed_at": None}
_WAITING["approval_required"] = True

_PAGE = page_of(HoldSerializer, "HoldPage")


def _dry_run_of(example: dict[str, Any]) -> dict[str, Any]:
    stored = ("hold_id", "created_at", "updated_at", "ended_at")
    kept = {name: value for name, value in example.items() if name not in stored}
    return {"dry_run": True, "replays": None, **kept}


def _answers(name: str, value: dict[str, Any], status: int) -> list[OpenApiExample]:
    dry_run = _dry_run_of(value)
    return [
        response_example(name, value, status),
        response_example("Dry run", dry_run, 200),
    ]


place = extend_schema(
    operation_id="accounts_hold",
    tags=[TAG],
    summary="Hold money",
    description="Reserves an amount for a later payment, within the available balance. No money"
    " moves. `available_balance` falls by the amount until the hold is captured, voided or has"
    " expired. A refusal stores nothing.",
    parameters=[ACCOUNT_ID, IDEMPOTENCY_KEY, DRY_RUN],
    request=HoldBody,
    responses={201: HoldSerializer, 200: HoldDryRunSerializer},
    examples=[
        request_example(
            {"amount": "45.00", "target_account_id": TARGET_ID, "description": "Hotel, two nights"}
        ),
        *_answers("Hold", HOLD_EXAMPLE, 201),
    ],
    extensions=errors(
        "insufficient_funds",
        "limit_exceeded",
        "same_account",
        "currency_mismatch",
        "account_closed",
        "account_frozen",
        "account_damaged",
        "idempotency_key_reused",
        "self_dealing",
    ),
)

list_of_account = extend_schema(
    operation_id="accounts_holds",
    tags=[TAG],
    summary="Holds of an account",
    description="Newest first. Those that are OPEN add up to `held` of the account.",
    parameters=[ACCOUNT_ID, HoldQuery],
    responses=_PAGE,
    examples=[page_example(HOLD_EXAMPLE, f"accounts/{SOURCE_ID}/holds/")],
)

list_holds = extend_schema(
    operation_id="holds_list",
    tags=[TAG],
    summary="List holds",
    description="Newest first: all for staff, those of their own accounts for customers.",
    parameters=[HoldsQuery],
    responses=_PAGE,
    examples=[page_example(HOLD_EXAMPLE, "holds/")],
)

retrieve = extend_schema(
    operation_id="holds_retrieve",
    tags=[TAG],
    summary="Read a hold",
    description="With the transactions that capture it.",
    parameters=[HOLD_ID],
    responses=HoldDetailSerializer,
    examples=[response_example("Hold", _DETAIL_EXAMPLE)],
)

capture = extend_schema(
    operation_id="holds_capture",
    tags=[TAG],
    summary="Capture a hold",
    description="Pays from the hold: a transfer to its target account, or a withdrawal without one."
    " Without `amount` it pays all that is left. With a smaller amount the hold stays open for"
    " the rest, unless `final` releases that. 202 means that the transaction waits for approval;"
    " the hold then waits with it, and does not expire. A refusal stores nothing, and the hold"
    " stays as it is.",
    parameters=[HOLD_ID, IDEMPOTENCY_KEY, DRY_RUN],
    request=CaptureBody,
    responses={
        200: either("TransactionOrDryRun", TransactionSerializer, DryRunSerializer),
        202: TransactionSerializer,
    },
    examples=[
        request_example({"amount": "30.00"}),
        response_example("Transaction", _CAPTURED, 200),
        response_example("Dry run", transaction_dry_run_of(_CAPTURED), 200),
        response_example("Waiting", _WAITING, 202),
    ],
    extensions=errors(
        "invalid_transition",
        "limit_exceeded",
        "balance_limit",
        "account_closed",
        "account_frozen",
        "account_damaged",
        "idempotency_key_reused",
        "self_dealing",
    ),
)

void = extend_schema(
    operation_id="holds_void",
    tags=[TAG],
    summary="Void a hold",
    description="Releases what the hold still reserves. What was captured stays paid. Possible for"
    " frozen accounts too.",
    parameters=[HOLD_ID, DRY_RUN],
    request=OptionalReasonBody,
    responses={200: either("HoldOrDryRun", HoldSerializer, HoldDryRunSerializer)},
    examples=[
        request_example({"reason": "The order was cancelled"}),
        *_answers("Hold", _VOIDED_EXAMPLE, 200),
    ],
    extensions=errors("invalid_transition", "self_dealing"),
)
