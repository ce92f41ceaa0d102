"""The journal row of a completed transfer, as the floors write it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from core.identifiers import uuid7

# Columns and their PostgreSQL types. All others are null in a transfer, here and in the bank.
_TYPES = {
    "id": "uuid",
    "type": "text",
    "status": "text",
    "debit_account_id": "uuid",
    "credit_account_id": "uuid",
    "amount": "int8",
    "currency": "text",
    "description": "text",
    "debit_sequence": "int8",
    "debit_balance_after": "int8",
    "credit_sequence": "int8",
    "credit_balance_after": "int8",
    "effective_at": "timestamptz",
    "failure_code": "text",
    "failure_detail": "text",
    "retry_count": "int4",
    "attempts": "int4",
    "request_fingerprint": "text",
    "approval_required": "bool",
    "worker": "text",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "completed_at": "timestamptz",
}
COLUMNS = list(_TYPES)
TYPES = list(_TYPES.values())


def journal_row(
    *,
    debit: UUID,
    credit: UUID,
    amount: int,
    debited: tuple[int, int],
    credited: tuple[int, int],
    created_at: datetime,
    completed_at: datetime,
    index: int = 0,
) -> tuple[Any, ...]:
    """Values in the order of COLUMNS. `debited` and `credited` are sequence and new balance."""
    return (
        uuid7(created_at, index), "TRANSFER", "COMPLETED", debit, credit, amount, "USD", "",
        *debited, *credited, created_at, "", "", 0, 0, "", False, "",
        created_at, completed_at, completed_at,
    )  # fmt: skip
