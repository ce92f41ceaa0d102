"""Chooses the due transactions that a worker may take, so that each account keeps its order.

Each account is served first in, first out. A transaction waits while another worker holds an
earlier open transaction of any of its accounts.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from accounts.models import CASH, internal_account_id
from transactions.ledger import writer as ledger
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction, TransactionEvent
from transactions.models.queries import DUE, RELEASED
from transactions.states import OPEN, TransactionEventType, TransactionStatus

# Each look finds accounts that must wait, and the next look leaves them out. Transactions not
# reached after this many looks wait for the next claim.
_LOOKS = 10


def lock_whose_turn_it_is(now: datetime, limit: int) -> tuple[list[JournalRow], bool]:
    """Locks up to `limit` due transactions whose turn it is; also returns whether others wait.

    If a worker was lost with a transaction, that transaction is taken alone: it may have crashed
    the worker.
    """
    taken: list[JournalRow] = []
    waiting: set[UUID] = set()
    for _ in range(_LOOKS):
        found = ledger.lock_rows(
            _not_of(waiting)
            & RELEASED
            & Q(status=TransactionStatus.PENDING)
            & ~Q(pk__in=[row.id for row in taken]),
            due_until=now,
            limit=limit - len(taken),
            skip_locked=True,
        )
        if not found:
            break
        taken += _in_turn(found, taken, waiting)
        if len(taken) == limit:
            break
    return _without_suspects(taken), bool(waiting)


def _not_of(accounts: set[UUID]) -> Q:
    return ~Q(debit_account_id__in=accounts) & ~Q(credit_account_id__in=accounts)


def _in_turn(
    found: list[JournalRow], taken: list[JournalRow], waiting: set[UUID]
) -> list[JournalRow]:
    """Returns the rows whose turn it is. Adds the accounts of all others to `waiting`."""
    others = _in_other_hands(found, taken)
    if not (others or waiting):  # Most often there is no other worker.
        return found
    in_turn: list[JournalRow] = []
    line = [(due_at(row), row.id, set(row.customer_account_ids()), row) for row in found]
    for _, _, account_ids, row in sorted([*line, *others], key=_place):
        if row is None or account_ids & waiting:
            waiting |= account_ids
        else:
            in_turn.append(row)
    return in_turn


_Place = tuple[datetime, UUID, set[UUID], JournalRow | None]


def _place(place: _Place) -> tuple[datetime, UUID]:
    return place[0], place[1]


def _in_other_hands(found: list[JournalRow], taken: list[JournalRow]) -> list[_Place]:
    """Open transactions before the last of `found` that are not ours, with their accounts."""
    until, ours = due_at(found[-1]), [*found, *taken]
    opened = (
        Transaction.objects.filter(RELEASED, status__in=OPEN).alias(due=DUE).filter(due__lte=until)
    )
    # Counting is cheaper than naming hundreds of rows.
    if opened.count() == sum(due_at(row) <= until for row in ours):
        return []
    others = opened.exclude(pk__in=[row.id for row in ours]).values_list(
        DUE, "id", "debit_account_id", "credit_account_id", "currency"
    )
    return [
        (due, pk, {debit, credit} - {internal_account_id(CASH, currency)}, None)
        for due, pk, debit, credit, currency in others
    ]


def _without_suspects(taken: list[JournalRow]) -> list[JournalRow]:
    """The first row alone if its lease was lost before; else all rows before the first such row."""
    taken.sort(key=lambda row: (due_at(row), row.id))
    lost = _lost_before(taken)
    if taken and taken[0].id in lost:
        return taken[:1]
    suspects = (index for index, row in enumerate(taken) if row.id in lost)
    return taken[: next(suspects, len(taken))]


def _lost_before(taken: list[JournalRow]) -> set[UUID]:
    """The transactions that a lost worker had started. One statement if any was started, else none.

    An attempt with an outcome, such as a refusal, is no loss.
    """
    started = [row.id for row in taken if row.attempts]
    if not started:
        return set()
    losses = TransactionEvent.objects.filter(
        transaction_id__in=started, event=TransactionEventType.LEASE_LOST
    )
    return set(losses.values_list("transaction_id", flat=True))


def due_at(row: JournalRow) -> datetime:
    return row.scheduled_for or row.created_at
