"""Examples of transactions and ledger lines for the OpenAPI schema."""

from typing import Any

from accounts.schema import ACCOUNT_EXAMPLE

SOURCE_ID = ACCOUNT_EXAMPLE["account_id"]
TARGET_ID = "019ab0c4-9f10-7b33-8000-8a1d55e20c64"

TRANSFER_EXAMPLE: dict[str, Any] = {
    "transaction_id": "019ab0d1-22f4-7c58-8000-51b7e6a90d3c",
    "type": "TRANSFER",
    "status": "COMPLETED",
    "account_id": SOURCE_ID,
    "target_account_id": TARGET_ID,
    "amount": "75.50",
    "currency": "USD",
    "balance_after": "174.50",
    "description": "Rent, February",
    "failure": None,
    "retry_count": 0,
    "approval_required": False,
    "scheduled_for": None,
    "reverses": None,
    "effective_at": "2026-01-31T09:31:00.000000Z",
    "created_at": "2026-01-31T09:31:00.000000Z",
    "updated_at": "2026-01-31T09:31:00.004211Z",
    "completed_at": "2026-01-31T09:31:00.004211Z",
}
_INITIAL_DEPOSIT = TRANSFER_EXAMPLE["transaction_id"]
OPENED_EXAMPLE = {
    **ACCOUNT_EXAMPLE,
    "initial_deposit": {"transaction_id": _INITIAL_DEPOSIT, "status": "COMPLETED"},
}
OPENED_WAITING_EXAMPLE = {
    **OPENED_EXAMPLE,
    "balance": "0.00",
    "available_balance": "100.00",
    "initial_deposit": {"transaction_id": _INITIAL_DEPOSIT, "status": "PENDING"},
}
DEPOSIT_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "type": "DEPOSIT",
    "target_account_id": None,
    "amount": "250.00",
    "balance_after": "250.00",
    "description": "Cash at the counter",
}
WITHDRAWAL_EXAMPLE = {
    **DEPOSIT_EXAMPLE,
    "type": "WITHDRAW",
    "amount": "40.00",
    "balance_after": "210.00",
}
ENTRY_EXAMPLE = {
    "transaction_id": TRANSFER_EXAMPLE["transaction_id"],
    "account_id": SOURCE_ID,
    "side": "DEBIT",
    "sequence": 2,
    "amount": "-75.50",
    "balance_after": "174.50",
    "currency": "USD",
    "posted_at": TRANSFER_EXAMPLE["completed_at"],
    "effective_at": TRANSFER_EXAMPLE["effective_at"],
}
DETAIL_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "reversed_by": None,
    "hold_id": None,
    "entries": [ENTRY_EXAMPLE],
    "events": [],
}
BALANCE_EXAMPLE = {
    "account_id": SOURCE_ID,
    "currency": "USD",
    "balance": "174.50",
    "available_balance": "274.50",
    "at": "2026-01-31T09:32:00.000000Z",
}


PENDING_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "status": "PENDING",
    "balance_after": None,
    "scheduled_for": "2026-02-01T08:00:00.000000Z",
    "effective_at": "2026-02-01T08:00:00.000000Z",
    "updated_at": "2026-01-31T09:31:00.000000Z",
    "completed_at": None,
}
REVERSAL_EXAMPLE = {
    **TRANSFER_EXAMPLE,
    "transaction_id": "019ab0d4-51c8-7e02-8000-7ba90d5b8f11",
    "type": "REVERSAL",
    "account_id": TARGET_ID,
    "target_account_id": SOURCE_ID,
    "description": "Sent twice",
    "reverses": TRANSFER_EXAMPLE["transaction_id"],
}
FAILED_EXAMPLE = {
    **WITHDRAWAL_EXAMPLE,
    "status": "FAILED",
    "balance_after": None,
    "failure": {"code": "cancelled", "detail": "Asked for by mistake", "retryable": False},
    "completed_at": None,
}


def dry_run_of(example: dict[str, Any]) -> dict[str, Any]:
    """The dry run's response for a request whose real response is the example."""
    stored = (
        "transaction_id", "retry_count", "created_at", "updated_at", "completed_at",
    )  # fmt: skip
    kept = {name: value for name, value in example.items() if name not in stored}
    return {"dry_run": True, "replays": None, **kept}
