"""The API's complete representation of a stored row."""

from typing import Any
from uuid import UUID

from accounts.models import Account
from tests.api import shown
from transactions.models import Transaction


def transaction_body(
    row: Transaction | UUID | str,
    *,
    account: Account,
    target: Account | None = None,
    amount: str,
    balance_after: str | None,
    failure: dict[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """The body of a transaction of `account`. Times, type and status are the row's own."""
    if not isinstance(row, Transaction):
        row = Transaction.objects.get(pk=row)
    return {
        "transaction_id": str(row.id),
        "type": row.type,
        "status": row.status,
        "account_id": str(account.id),
        "target_account_id": str(target.id) if target else None,
        "amount": amount,
        "currency": account.currency,
        "balance_after": balance_after,
        "description": row.description,
        "failure": failure,
        "retry_count": 0,
        "approval_required": False,
        "scheduled_for": None,
        "reverses": None,
        "effective_at": shown(row.effective_at),
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
        "completed_at": shown(row.completed_at) if row.completed_at else None,
        **members,
    }


def entry_body(
    row: Transaction,
    *,
    account: UUID,
    side: str,
    sequence: int | None,
    amount: str,
    balance_after: str | None,
) -> dict[str, Any]:
    """The body of a ledger line of a completed transaction."""
    assert row.completed_at is not None
    return {
        "transaction_id": str(row.id),
        "account_id": str(account),
        "side": side,
        "sequence": sequence,
        "amount": amount,
        "balance_after": balance_after,
        "currency": row.currency,
        "posted_at": shown(row.completed_at),
        "effective_at": shown(row.effective_at),
    }
