"""The one writer: inserts transactions and changes balances, whatever the length of the list.

One statement for the journal, one for the accounts. Amounts are bound as the integers that the
columns hold (1/10,000 of the main unit), and balances are the ones computed under the lock: nothing
here does arithmetic in SQL.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import connection

from accounts.locks import LockedAccount
from core.errors import REFUSALS, Refusal
from core.money import from_units
from transactions.models import Transaction
from transactions.states import TransactionStatus, TransactionType

# What a detail may hold at most; it is a sentence for people.
_DETAIL_LENGTH = 500


@dataclass(slots=True, kw_only=True)
class JournalRow:
    """A row of the journal on its way into the database, its columns by name, amounts in units."""

    id: UUID
    type: TransactionType
    status: TransactionStatus
    debit_account_id: UUID
    credit_account_id: UUID
    amount: int
    currency: str
    description: str
    debit_sequence: int | None = None
    debit_balance_after: int | None = None
    credit_sequence: int | None = None
    credit_balance_after: int | None = None
    effective_at: datetime
    failure_code: str = ""
    failure_detail: str = ""
    retry_count: int = 0
    reverses_id: UUID | None = None
    batch_id: UUID | None = None
    batch_index: int | None = None
    idempotency_caller: str | None = None
    idempotency_key: str | None = None
    request_fingerprint: str = ""
    scheduled_for: datetime | None = None
    approval_required: bool = False
    worker: str = ""
    created_by_id: int | None = None
    approved_by_id: int | None = None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None

    replayed: ClassVar[bool] = False

    def complete(
        self, debited: LockedAccount | None, credited: LockedAccount | None, now: datetime
    ) -> None:
        """Posts the row to the locked accounts, in memory. None stands for an internal account.

        The time of posting never runs backwards within an account, whatever the clocks do.
        """
        sides = [account for account in (debited, credited) if account]
        posted_at = max([now, *(side.last_posted_at for side in sides if side.last_posted_at)])
        if debited:
            debited.post(-self.amount, posted_at)
            self.debit_sequence = debited.last_sequence
            self.debit_balance_after = debited.balance
        if credited:
            credited.post(self.amount, posted_at)
            self.credit_sequence = credited.last_sequence
            self.credit_balance_after = credited.balance
        self.status = TransactionStatus.COMPLETED
        self.completed_at = self.updated_at = posted_at

    def fail(self, refusal: Refusal, now: datetime) -> None:
        """Keeps the refusal as the outcome."""
        self.status = TransactionStatus.FAILED
        self.failure_code = refusal.code
        self.failure_detail = refusal.detail[:_DETAIL_LENGTH]
        self.updated_at = now

    def refusal(self) -> Refusal | None:
        """The error to answer with, if the row was refused; it names the transaction."""
        if self.status != TransactionStatus.FAILED:
            return None
        return REFUSALS[self.failure_code](self.failure_detail, transaction_id=self.id)

    def as_transaction(self) -> Transaction:
        """The stored row as a model instance, without reading it again."""
        values = {name: getattr(self, name) for name in _NAMES}
        for name in _AMOUNTS:
            if values[name] is not None:
                values[name] = from_units(values[name])
        instance = Transaction(**values)
        instance._state.adding = False
        instance._state.db = connection.alias
        return instance


_NAMES = tuple(field.name for field in fields(JournalRow))
_AMOUNTS = ("amount", "debit_balance_after", "credit_balance_after")

# PostgreSQL's types of the columns that are not text.
_TYPES = {
    "uuid": ("id", "debit_account_id", "credit_account_id", "reverses_id", "batch_id"),
    "bigint": (*_AMOUNTS, "debit_sequence", "credit_sequence"),
    "integer": ("retry_count", "batch_index", "created_by_id", "approved_by_id"),
    "boolean": ("approval_required",),
    "timestamptz": (
        "effective_at", "scheduled_for", "created_at", "updated_at", "completed_at",
    ),
}  # fmt: skip
_TYPE_OF = {name: kind for kind, names in _TYPES.items() for name in names}

_TABLE = "transactions_transaction"
_INSERT_POSTGRESQL = (
    f"INSERT INTO {_TABLE} ({', '.join(_NAMES)}) SELECT * FROM unnest("
    + ", ".join(f"%s::{_TYPE_OF.get(name, 'text')}[]" for name in _NAMES)
    + ")"
)
_INSERT_SQLITE = (
    f"INSERT INTO {_TABLE} ({', '.join(_NAMES)}) VALUES ({', '.join(['%s'] * len(_NAMES))})"
)

_UPDATE_POSTGRESQL = """
    UPDATE accounts_account AS account
    SET balance = posted.balance, last_sequence = posted.last_sequence,
        last_posted_at = posted.last_posted_at, updated_at = posted.updated_at
    FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::uuid[])
        AS posted (balance, last_sequence, last_posted_at, updated_at, id)
    WHERE account.id = posted.id"""
_UPDATE_SQLITE = """
    UPDATE accounts_account
    SET balance = %s, last_sequence = %s, last_posted_at = %s, updated_at = %s
    WHERE id = %s"""


def write(rows: Sequence[JournalRow], accounts: Collection[LockedAccount]) -> None:
    """Inserts the rows and writes the accounts as they stand after them.

    `accounts` are locked by this transaction, and are those that `rows` posted to.
    """
    assert connection.in_atomic_block
    if rows:
        _insert(rows)
    if accounts:
        _update(accounts)


def _insert(rows: Sequence[JournalRow]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = [[getattr(row, name) for row in rows] for name in _NAMES]
            cursor.execute(_INSERT_POSTGRESQL, columns)
        else:
            values = [[_sqlite_value(getattr(row, name)) for name in _NAMES] for row in rows]
            cursor.executemany(_INSERT_SQLITE, values)


def _update(accounts: Collection[LockedAccount]) -> None:
    values = [
        (
            account.balance,
            account.last_sequence,
            account.last_posted_at,
            account.last_posted_at,
            account.id,
        )
        for account in accounts
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                _UPDATE_POSTGRESQL, [list(column) for column in zip(*values, strict=True)]
            )
        else:
            cursor.executemany(
                _UPDATE_SQLITE, [[_sqlite_value(value) for value in row] for row in values]
            )
        assert cursor.rowcount == len(accounts)


def _sqlite_value(value: Any) -> Any:
    """As Django keeps it in SQLite: ids as 32 hexadecimal digits, times as UTC text."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value
