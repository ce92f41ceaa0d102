"""Books a batch in the journal. The caller's transaction holds the locks."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import connection

from core.commands import Origin
from core.errors import (
    MAX_ERRORS,
    ApprovalRequired,
    BankError,
    CurrencyMismatch,
    FieldError,
    InvalidInput,
    InvalidTransition,
    SameAccount,
)
from core.identifiers import uuid7
from transactions.ledger import writer
from transactions.ledger.command import MoneyCommand
from transactions.ledger.execution import execute_new
from transactions.ledger.idempotency import HoldResult, Replay, find_known
from transactions.ledger.journal import JournalRow
from transactions.ledger.posting import Currencies, Posting
from transactions.ledger.run import Run
from transactions.ledger.value_dates import value_date
from transactions.models import Batch
from transactions.states import TransactionStatus

Results = list[JournalRow | Replay]
# Those of a batch, which may have items about holds.
ItemResult = JournalRow | Replay | HoldResult
ItemResults = Sequence[ItemResult]


def book(batch: Batch, commands: Sequence[MoneyCommand], run: Run) -> Results:
    """Executes the items on the locked accounts, in order, and writes the results.

    An item whose key is known is not executed again: its result is the Replay. An atomic batch ends
    with the first refused item. Then only that item is written, FAILED for good, and it is the only
    result; `batch.refused_index` holds its index. Runs four statements, whatever the length, and a
    fifth if items with keys are replays.

    Raises InvalidInput with an error for each bad item, and IdempotencyKeyReused. An atomic batch
    also raises ApprovalRequired, and the stored refusal of an item with a known key. All but
    InvalidInput carry the index. Raises IntegrityError if another request has just used the key of
    the batch or of an item.
    """
    batch.id, batch.created_at = uuid7(run.now), run.now
    batch.refused_index = None
    known = find_known(commands, run.origin)
    postings = postings_of(commands, run.accounts, run.origin, run.now, known)
    if batch.atomic:
        # Bad input leaves nothing behind, not even an earlier refusal.
        items = _executed(batch, commands, list(postings), known, run)
        results = _until_refused(items, batch)
        # Point of no return: everything below must succeed.
        with inserting(batch):
            writer.write([one for one in results if isinstance(one, JournalRow)], run.accounts)
        return results
    results = []
    with inserting(batch):
        items = _executed(batch, commands, postings, known, run)
        writer.stream(_new_rows(items, results), run.accounts)
    return results


def _executed(
    batch: Batch,
    commands: Sequence[MoneyCommand],
    postings: Iterable[Posting],
    known: Mapping[int, Replay],
    run: Run,
) -> Iterator[JournalRow | Replay]:
    """Yields the results of the items. Each item is executed in memory on demand."""
    for index, (command, posting) in enumerate(zip(commands, postings, strict=True)):
        if index in known:
            yield known[index]
            continue
        row = mark(command.row(posting, run.origin, run.now, index), batch, index)
        execute_new(row, run.accounts, run.now, run.totals)
        yield row


@contextmanager
def inserting(batch: Batch) -> Iterator[None]:
    """Inserts the batch, together with the items that the block inserts.

    On PostgreSQL the batch comes last, because its insert takes the locks of all their keys
    (`transactions.guards.keys`). On SQLite it comes first: as long as a row refers to a missing
    row, SQLite scans the whole journal for each row inserted.
    """
    comes_first = connection.vendor == "sqlite"
    if comes_first:
        batch.save(force_insert=True)
    yield
    if not comes_first:
        batch.save(force_insert=True)


def _until_refused(items: Iterable[JournalRow | Replay], batch: Batch) -> Results:
    """The items of an atomic batch if all are completed; else only the first refused one."""
    done: Results = []
    for index, item in enumerate(items):
        if isinstance(item, Replay):
            check_done(item, index)
        elif item.status != TransactionStatus.COMPLETED:
            check_refused(item, index)
            batch.refused_index = index
            return [item]
        done.append(item)
    return done


def _new_rows(items: Iterable[JournalRow | Replay], results: Results) -> Iterator[JournalRow]:
    """Yields the items that must be written, as they come. Adds every item to `results`."""
    for item in items:
        results.append(item)
        if isinstance(item, JournalRow):
            yield item


def mark(row: JournalRow, batch: Batch, index: int) -> JournalRow:
    """Marks the row as the `index`-th item of the batch."""
    row.batch_id = batch.id
    row.batch_index = index
    return row


def postings_of(
    commands: Sequence[MoneyCommand],
    accounts: Currencies,
    origin: Origin,
    now: datetime,
    known: Container[int] = (),
) -> Iterator[Posting]:
    """Yields the posting of each item.

    Raises InvalidInput with an error for each bad item, on reaching the first one. The caller must
    then roll back everything made from the items before it.

    The value dates of `known` items, given by index, are not checked again.
    """

    def posting_of(index: int, command: MoneyCommand) -> Posting:
        posting = command.posting(accounts)
        if command.effective_at is not None and index not in known:
            value_date(command, origin, now)
        return posting

    for index, command in enumerate(commands):
        try:
            posting = posting_of(index, command)
        except BAD_ITEM:
            raise _invalid(commands, index, posting_of) from None
        yield posting


BAD_ITEM = (InvalidInput, SameAccount, CurrencyMismatch)


def _invalid(
    commands: Sequence[MoneyCommand], first: int, check: Callable[[int, MoneyCommand], Any]
) -> InvalidInput:
    """Returns the errors of the bad items from the first one on."""
    errors: list[FieldError] = []
    for index, command in enumerate(commands[first:], start=first):
        try:
            check(index, command)
        except BAD_ITEM as error:
            errors += pointed(error, index)
            if len(errors) >= MAX_ERRORS:
                break
    return InvalidInput("The batch is not valid; errors says why.", errors=errors)


def pointed(error: BankError, index: int) -> list[FieldError]:
    item = f"/transactions/{index}"
    if error.errors:
        return [replace(each, pointer=item + each.pointer) for each in error.errors]
    return [FieldError(f"{item}/target_account_id", error.code, error.detail)]


def check_refused(row: JournalRow, index: int) -> None:
    """Raises ApprovalRequired for a row that is neither refused nor completed."""
    if row.waits_for_approval():
        detail = "A movement that needs approval cannot be in an atomic batch: send it by itself."
        raise ApprovalRequired(detail, index=index)


def check_done(replay: Replay, index: int) -> None:
    """Raises an error with the item's index unless the replayed transaction is completed."""
    if refusal := replay.refusal():
        refusal.index = index
        refusal.is_final = True
        raise refusal
    if replay.as_transaction().status != TransactionStatus.COMPLETED:
        detail = "The transaction of this key is not completed."
        raise InvalidTransition(detail, index=index)
