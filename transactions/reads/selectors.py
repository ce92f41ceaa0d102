"""Reads of single transactions, of the ledger, and of balances."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery, Sum, UUIDField

from accounts.models import Account, AccountEvent
from accounts.representation import AccountRow
from accounts.selectors import ids_of_owner
from accounts.states import AccountEventType
from core.api.pagination import USUAL_LIMIT
from core.errors import NotFound
from core.identifiers import created_between
from core.money import from_units
from core.settled import settled_moment
from core.sql.reads import ShapedRead
from transactions.archive.checkpoints import internal_balance
from transactions.models import Entry, HoldCapture, Transaction, TransactionEvent
from transactions.models.queries import FAILED
from transactions.reads.balances import HasSequences, balances_at
from transactions.reads.branches import Branch
from transactions.reads.lists import own_accounts, owner_of, told_final, visible_to_owner
from transactions.reads.rows import (
    ENTRY_COLUMNS,
    EVENT_COLUMNS,
    TRANSACTION_COLUMNS,
    EntryRow,
    EventRow,
    TransactionRow,
)
from transactions.reads.settled import settled_at
from transactions.states import TransactionStatus, TransactionType


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionDetail:
    """A transaction with its ledger lines, its later transitions and its reversal.

    As far as the owner of the accounts `own` sees them; None sees all. Events and reasons of staff
    are for staff. `hold_id` is the hold that it captures a part of, for the payer's side.
    """

    row: TransactionRow
    own: frozenset[UUID] | None
    reversed_by: UUID | None
    hold_id: UUID | None
    entries: list[EntryRow]
    events: list[EventRow]


def transaction_detail(user: Any, transaction_id: UUID) -> TransactionDetail:
    """A transaction visible to the user. Raises NotFound for invisible and missing ones alike.

    Three statements, and three more at most if it has failed.
    """
    owner_id = owner_of(user)
    reader = {} if owner_id is None else {"owner_id": owner_id}
    found = _transaction(transaction_id=transaction_id, **reader)
    if not found:
        raise NotFound(f"There is no transaction {transaction_id}.")
    *columns, reversed_by, hold_id = found[0]
    (row,) = told_final([TransactionRow(*columns)])
    own = None if owner_id is None else ids_of_owner(owner_id)
    is_debited = own is None or row.debit_account_id in own
    entries = [EntryRow(*entry) for entry in _entries_of(transaction_id=transaction_id)]
    events = _events_of(transaction_id=transaction_id) if own is None else []
    return TransactionDetail(
        row=row,
        own=own,
        reversed_by=reversed_by,
        hold_id=hold_id if is_debited else None,
        entries=[entry for entry in entries if own is None or entry.account_id in own],
        events=[EventRow(*event) for event in events],
    )


@ShapedRead
def _transaction(
    *, transaction_id: UUID, owner_id: int | None = None
) -> QuerySet[Transaction, Any]:
    found = Transaction.objects.filter(pk=transaction_id).order_by()
    reversals = Transaction.objects.filter(reverses=OuterRef("pk")).exclude(status=FAILED)
    own = own_accounts(owner_id)
    if own is not None:
        found = found.filter(visible_to_owner(own))
        reversals = reversals.filter(status=TransactionStatus.COMPLETED)
    reversed_by = Subquery(reversals.order_by().values("pk")[:1])
    captured = HoldCapture.objects.filter(pk=OuterRef("pk")).values("hold")
    hold_id = Subquery(captured[:1], output_field=UUIDField())  # SQLite has the text of an id.
    return found.values_list(*TRANSACTION_COLUMNS, reversed_by, hold_id)


@ShapedRead
def _entries_of(*, transaction_id: UUID) -> QuerySet[Entry, Any]:
    entries = Entry.objects.filter(transaction_id=transaction_id)
    return entries.order_by("side").values_list(*ENTRY_COLUMNS)


@ShapedRead
def _events_of(*, transaction_id: UUID) -> QuerySet[TransactionEvent, Any]:
    events = TransactionEvent.objects.filter(transaction_id=transaction_id)
    return events.order_by("id").values_list(*EVENT_COLUMNS)


def initial_deposit(account_id: UUID) -> Transaction | None:
    """The deposit that was made together with the opening of an account, if there was one.

    Opening and deposit share their moment, and nothing else can credit the account by then. Two
    statements.
    """
    opened = AccountEvent.objects.filter(account_id=account_id, event=AccountEventType.OPENED)
    moment = opened.values_list("at", flat=True).first()
    if moment is None:
        return None
    side = Branch(
        rows=Transaction.objects.filter(type=TransactionType.DEPOSIT),
        account_column="credit_account_id",
        account_id=account_id,
        ids=created_between(moment, moment + timedelta(microseconds=1)),
    )
    return side.page(backwards=True, limit=1).first()


def page_of_entries(
    account: HasSequences, *, after: int | None, backwards: bool, limit: int
) -> list[EntryRow]:
    """Up to `limit` ledger lines of a customer account, highest sequence first.

    Sequences have no gap, so a page is a range of them. Both ends are needed: SQLite cannot merge
    the two sides of the journal in order, and would read and sort all rows beyond an open end.
    """
    if account.last_sequence is None:
        return []
    if after is None:
        after = 0 if backwards else account.last_sequence + 1
    first, last = (after + 1, after + limit) if backwards else (after - limit, after - 1)
    read = _entries if limit == USUAL_LIMIT else _entries.unprepared
    rows = read(limit, backwards, account_id=account.id, first=first, last=last)
    return [EntryRow(*row) for row in rows]


@ShapedRead
def _entries(
    limit: int, backwards: bool, *, account_id: UUID, first: int, last: int
) -> QuerySet[Entry, Any]:
    found = Entry.objects.filter(account_id=account_id, sequence__range=(first, last))
    ordered = found.order_by("sequence" if backwards else "-sequence")
    return ordered.values_list(*ENTRY_COLUMNS)[:limit]


def balance_at(account: AccountRow, at: datetime) -> Decimal:
    """The balance after everything posted until `at`, inclusive; zero before the first entry.

    The result never changes: see `settled_at`, which raises InvalidInput and Busy.
    """
    settled = settled_at(account, at)
    if settled.last_sequence is None:
        entries = Entry.objects.filter(account=account.id, posted_at__lte=at)
        return entries.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    return balances_at(settled, [at])[0].balance


def balance_report(account: Account | AccountRow, at: datetime | None) -> dict[str, Any]:
    """Balance and available balance now, or the balance at a past moment.

    The balance at `at` is final: later postings get later moments. Raises InvalidInput for a moment
    in the future, Busy if a posting under way does not end in time.
    """
    row = account if isinstance(account, AccountRow) else AccountRow.of(account)
    report = {"account_id": row.id, "currency": row.currency}
    if at is not None:
        return report | {"balance": balance_at(row, at), "available_balance": None, "at": at}
    balance, moment = _balance_now(row)
    available = None if row.available_balance is None else from_units(row.available_balance)
    return report | {"balance": balance, "available_balance": available, "at": moment}


def _balance_now(account: AccountRow) -> tuple[Decimal, datetime]:
    """The balance, and the moment since when it holds; for an internal account, a moment ago.

    Without a lock, a posting under way to a customer account is invisible and may get a moment
    before now, but never before the last visible one.
    """
    if account.balance is not None:
        return from_units(account.balance), account.last_posted_at or account.created_at
    moment = settled_moment()
    return internal_balance(account.id, moment), moment
