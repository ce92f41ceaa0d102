"""Transactions, ledger lines, events and balances as JSON: one function for each kind.

A transaction looks the same in responses, lists, batches and result files.

A DRF serializer, which looks up its fields for each row, takes ten times as long. The serializers
describe the same members, and the tests check every response against that description.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from accounts.models import CASH, internal_account_id
from core import errors
from core.api.fields import json_moment
from core.money import format_amount, format_units
from transactions.ledger import failures
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.reads.rows import EntryRow, EventRow, TransactionRow
from transactions.reads.selectors import TransactionDetail
from transactions.states import TransactionType

# As text: an enumeration looks its member up each time.
_DEPOSIT, _WITHDRAW, _TRANSFER, _REVERSAL = (
    TransactionType.DEPOSIT.value,
    TransactionType.WITHDRAW.value,
    TransactionType.TRANSFER.value,
    TransactionType.REVERSAL.value,
)


class HasSides(Protocol):
    """The members of a transaction that say between which accounts it moves money."""

    @property
    def type(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def debit_account_id(self) -> UUID: ...
    @property
    def credit_account_id(self) -> UUID: ...


# A row just processed, or one that was read.
Row = JournalRow | TransactionRow | Transaction


def represent(
    row: Row, *, own: Collection[UUID] | None, tells_reasons: bool = False
) -> dict[str, Any]:
    """The members of a transaction as one of its sides sees it, as `core.json_bytes` writes them.

    `own` are the accounts whose side may be shown, None for all. Reasons of reversals are for
    staff, who see all sides; `tells_reasons` shows them to others as well.
    """
    return _members(row, balance_after(row, own), tells_reasons=own is None or tells_reasons)


def represent_in_history(
    row: TransactionRow, *, account_id: UUID, tells_reasons: bool
) -> dict[str, Any]:
    """The members of a transaction in the history of this account, whose side they show."""
    is_debited = row.debit_account_id.int == account_id.int  # An id itself compares in 10 steps.
    balance = row.debit_balance_after if is_debited else row.credit_balance_after
    after = None if balance is None else format_units(balance, row.currency)
    members = _members(row, after, tells_reasons=tells_reasons)
    members["direction"] = "debit" if is_debited else "credit"
    return members


def _members(row: Row, balance: str | None, *, tells_reasons: bool) -> dict[str, Any]:
    account_id, target_account_id = sides(row)
    hides_reason = row.type == _REVERSAL and not tells_reasons
    return {
        "transaction_id": row.id,
        "type": row.type,
        "status": row.status,
        "account_id": account_id,
        "target_account_id": target_account_id,
        "amount": _amount(row.amount, row.currency),
        "currency": row.currency,
        "balance_after": balance,
        "description": "" if hides_reason else row.description,
        "failure": failure(row),
        "retry_count": row.retry_count,
        "approval_required": row.approval_required,
        "scheduled_for": row.scheduled_for and json_moment(row.scheduled_for),
        "reverses": row.reverses_id,
        "effective_at": json_moment(row.effective_at),
        "created_at": json_moment(row.created_at),
        "updated_at": json_moment(row.updated_at),
        "completed_at": row.completed_at and json_moment(row.completed_at),
    }


def represent_detail(detail: TransactionDetail) -> dict[str, Any]:
    """The members of a transaction by itself."""
    return {
        **represent(detail.row, own=detail.own),
        "reversed_by": detail.reversed_by,
        "hold_id": detail.hold_id,
        "entries": [represent_entry(entry) for entry in detail.entries],
        "events": [represent_event(event) for event in detail.events],
    }


def represent_entry(row: EntryRow) -> dict[str, Any]:
    """The members of a ledger line."""
    balance = row.balance_after
    return {
        "transaction_id": row.transaction_id,
        "account_id": row.account_id,
        "side": row.side,
        "sequence": row.sequence,
        "amount": format_units(row.amount, row.currency),
        "balance_after": None if balance is None else format_units(balance, row.currency),
        "currency": row.currency,
        "posted_at": json_moment(row.posted_at),
        "effective_at": json_moment(row.effective_at),
    }


def represent_event(row: EventRow) -> dict[str, Any]:
    """The members of a later transition of a transaction."""
    return row._asdict() | {"at": json_moment(row.at)}


def represent_balance(report: dict[str, Any]) -> dict[str, Any]:
    """The members of a balance, given as `transactions.reads.selectors.balance_report` has it."""
    currency, available = report["currency"], report["available_balance"]
    return {
        "account_id": report["account_id"],
        "currency": currency,
        "balance": format_amount(report["balance"], currency),
        "available_balance": None if available is None else format_amount(available, currency),
        "at": json_moment(report["at"]),
    }


def balance_after(row: Row, own: Collection[UUID] | None = None) -> str | None:
    """The balance after the transaction: the debited side's if it is a visible customer account,
    else the credited side's. None if nothing was posted.
    """
    for account_id, balance in (
        (row.debit_account_id, row.debit_balance_after),
        (row.credit_account_id, row.credit_balance_after),
    ):
        if balance is not None and (own is None or account_id in own):
            return _amount(balance, row.currency)
    return None


def failure(row: Row) -> dict[str, Any] | None:
    """Why it failed, and whether it can be retried by `retry/`; None if it did not fail."""
    if not row.failure_code:
        return None
    is_retryable = (
        failures.is_retryable(row)
        if isinstance(row, Transaction)
        else errors.is_retryable(row.failure_code, is_final=row.is_final)
    )
    return {"code": row.failure_code, "detail": row.failure_detail, "retryable": is_retryable}


def sides(row: HasSides) -> tuple[UUID, UUID | None]:
    """`account_id` and `target_account_id`; clients do not see internal accounts."""
    kind = row.type
    if kind == _TRANSFER:
        return row.debit_account_id, row.credit_account_id
    if kind == _DEPOSIT:
        return row.credit_account_id, None
    if kind == _WITHDRAW:
        return row.debit_account_id, None
    cash = internal_account_id(CASH, row.currency)
    if row.debit_account_id == cash:
        return row.credit_account_id, None
    if row.credit_account_id == cash:
        return row.debit_account_id, None
    return row.debit_account_id, row.credit_account_id


def _amount(amount: int | Decimal, currency: str) -> str:
    """A processed row has its amount in units, a row that was read has it in main units."""
    if isinstance(amount, int):
        return format_units(amount, currency)
    return format_amount(amount, currency)
