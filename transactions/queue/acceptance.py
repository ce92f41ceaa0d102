"""Accepts commands into the queue: stores them as PENDING transactions for a worker to process."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction

from accounts.selectors import currencies_of
from accounts.self_dealing import refuse_self_dealing
from core.commands import Origin
from core.errors import FieldError, InvalidInput
from core.failpoints import failpoint
from core.identifiers import uuid7
from core.metrics.instruments import BATCH, ITEM, QUEUE
from transactions.commands import MoneyCommand, Reverse
from transactions.ledger import writer
from transactions.ledger.booking import inserting, mark, postings_of
from transactions.ledger.counting import count_results
from transactions.ledger.day_totals import DayTotals, in_turn
from transactions.ledger.execution import needs_approval
from transactions.ledger.idempotency import (
    CONFLICTS,
    Replay,
    find_known,
    replays_after,
    with_new_keys,
)
from transactions.ledger.journal import JournalRow
from transactions.models import Batch


def accept(
    commands: Sequence[MoneyCommand | Reverse], origin: Origin, *, batch: Batch | None = None
) -> list[JournalRow | Replay]:
    """Stores commands as PENDING transactions, for a worker to process.

    Runs two statements; if the bank has daily thresholds, in one database transaction that locks
    the maker. Raises the errors of bad input and unknown accounts, and SelfDealing, as `process`
    does. After an error nothing is stored. The worker runs the checks that depend on the accounts'
    state. Keys work as in `process`. The items of a batch are independent, and those with known
    keys are replays.
    """
    accept_all = partial(in_turn, partial(_accept, commands, origin, batch))
    if batch is not None:
        results = with_new_keys(accept_all, batch)
        count_results(results, BATCH, replayed=ITEM)
        return results
    try:
        results = accept_all()
    except CONFLICTS as conflict:
        results = [*replays_after(conflict, commands, origin)]
    count_results(results, QUEUE)
    return results


def _accept(
    commands: Sequence[MoneyCommand | Reverse], origin: Origin, batch: Batch | None
) -> list[JournalRow | Replay]:
    prepared = [command.prepare() for command in commands]
    totals = DayTotals()
    totals.lock([origin.user_id])
    accounts = currencies_of({one for command in prepared for one in command.account_ids()})
    refuse_self_dealing(accounts.values(), origin)
    created_at = max(one.read_at for one in accounts.values())
    totals.read(origin.user_id, created_at)
    known: dict[int, Replay] = {}
    if batch is None:
        rows = [
            command.row(command.posting(accounts), origin, created_at, index)
            for index, command in enumerate(prepared)
        ]
    else:
        batch.id, batch.created_at = uuid7(created_at), created_at
        known = find_known(prepared, origin)
        postings = postings_of(prepared, accounts, origin, created_at, known)
        rows = [
            mark(prepared[index].row(posting, origin, created_at, index), batch, index)
            for index, posting in enumerate(postings)
            if index not in known
        ]
    _prepare(rows, created_at, totals)
    failpoint("accept.read")
    if batch is None:
        writer.insert_pending(rows)
    else:
        with transaction.atomic(), inserting(batch):
            writer.insert_pending(rows)
    failpoint("accept.stored")
    inserted = iter(rows)
    return [known[index] if index in known else next(inserted) for index in range(len(prepared))]


def _prepare(rows: Sequence[JournalRow], created_at: datetime, totals: DayTotals) -> None:
    """Sets approval and schedule on rows that are about to be queued."""
    for row in rows:
        row.approval_required = needs_approval(row, totals)
        totals.add(row)
        if row.scheduled_for is not None:
            # A moment in the past means now. The transaction must neither jump the queue nor make
            # the queue look late.
            check_horizon(row.scheduled_for, created_at)
            row.scheduled_for = max(row.scheduled_for, created_at)


def check_horizon(scheduled_for: datetime, now: datetime) -> None:
    """Raises InvalidInput for a moment more than a year ahead."""
    if scheduled_for > now + timedelta(days=366):
        detail = "At most a year ahead."
        raise InvalidInput(errors=[FieldError("/scheduled_for", "too_far_ahead", detail)])
