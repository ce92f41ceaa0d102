"""The one funnel: every change to accounts and every movement of money runs through here.

Every entry point takes the same steps: lock, execute in memory in the order of the list, write. All
of it runs in one database transaction, which is retried on contention.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from accounts.locks import lock_accounts, locked_moment
from accounts.self_dealing import refuse_self_dealing
from core import bulkhead, clock
from core.commands import Command, KeyedCommand, Origin, R_co
from core.contention import retrying
from core.errors import ApprovalRequired, NotFound
from core.failpoints import failpoint
from core.metrics.instruments import BATCH, ITEM, QUEUE
from transactions.ledger import booking, counting, events, groups, idempotency, writer
from transactions.ledger.booking import ItemResults
from transactions.ledger.command import MoneyCommand
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.execution import execute
from transactions.ledger.groups import Asked
from transactions.ledger.idempotency import Replay
from transactions.ledger.journal import JournalRow
from transactions.ledger.run import Run
from transactions.ledger.spending import read_spending
from transactions.models import Batch
from transactions.states import TransactionStatus

# A list of this many money commands or more is written while it executes.
LONG_LIST = 1000

C = TypeVar("C", bound=Command[Any])
T = TypeVar("T")
# Books a batch under the locks of its run.
Book = Callable[[Batch, Sequence[Any], Run], ItemResults]


def process(commands: Sequence[Command[R_co]], origin: Origin) -> list[R_co | Replay]:
    """Runs a list of commands in one database transaction, in order; returns a result for each.

    An account command returns the Account. A money command returns its JournalRow: COMPLETED; or,
    if it was refused, FAILED with its code (`row.refusal()` is the error to raise); or PENDING, if
    it needs approval. A decision returns its transaction's row. All results are committed.

    If the caller has used a command's idempotency key before, the same request returns the Replay
    of its result; another request raises IdempotencyKeyReused.

    Raises SelfDealing if the requesting member of staff owns an account of the list. Raises the
    BankError of the first command with bad input or an unknown account, and of a refused decision
    or account command: then nothing of the list is left behind. Raises Busy if other transactions
    hold the locks for too long. Locks all accounts of the list in one query. Do not call it inside
    a transaction.

    In a web process a single deposit, withdrawal or transfer may run in one transaction with those
    of other threads. Its result, its row and its errors are the same.
    """
    if groups.gathering and groups.may_gather(commands):
        command: Any = commands[0]
        result: Any = groups.gathering.run(Asked(command, origin))
        return [result]
    return _alone(commands, origin)


def install_gathering() -> None:
    """Called once by the server in each web process. Other processes gather nothing."""
    groups.install(lambda asked: _alone([asked.command], asked.origin)[0])


def _alone(commands: Sequence[Command[R_co]], origin: Origin) -> list[R_co | Replay]:
    return _settled(partial(_process, commands, origin), commands, origin)


def process_all_or_none(
    commands: Sequence[Command[JournalRow]], origin: Origin
) -> list[JournalRow | Replay]:
    """As `process`, for money commands that must all complete, or none.

    Raises the first refusal, or ApprovalRequired, and then leaves nothing behind.
    """
    return _settled(partial(_process_all_or_none, commands, origin), commands, origin)


def try_out(commands: Sequence[Command[R_co]], origin: Origin) -> list[R_co | Replay]:
    """Returns what `process` would: runs everything and rolls it back.

    Takes the same locks and passes the same guards as `process`, but leaves neither a row nor a key
    behind. A row that would wait for approval is PENDING.
    """
    return _settled(partial(_process, commands, origin), commands, origin, keep=False)


def process_batch(
    batch: Batch,
    commands: Sequence[KeyedCommand[Any]],
    origin: Origin,
    *,
    keep: bool = True,
    book: Book = booking.book,
) -> ItemResults:
    """Runs the items of a new batch in one database transaction; see `booking.book`.

    Items about holds need `hold_items.book`.

    Without `keep` the transaction is rolled back, as in `try_out`. Raises the errors of `book` and
    `process`, and IntegrityError if another request has used the key of the batch meanwhile.
    """
    booked = partial(_process_batch, batch, commands, origin, book)
    run = partial(_in_one_transaction, booked, keep=keep)
    results = idempotency.with_new_keys(run, batch)
    if keep:
        counting.count_results(results, BATCH, replayed=ITEM)
    return results


def process_claimed(
    lease: UUID, origin: Origin, *, claimed: Sequence[JournalRow] = (), only: UUID | None = None
) -> list[JournalRow]:
    """Runs the transactions of a worker's claim, as one list, in the order of the queue.

    A worker that has lost its lease finds no row with its token and does nothing: the transaction
    that posts the rows locks them by the token. It also reads them, unless they are given as
    `claimed` and all still have the lease. Raises Busy.
    """
    mine = Q(lease_token=lease, status=TransactionStatus.PROCESSING)
    if only is not None:
        mine &= Q(pk=only)
    unchanged = [claimed] if claimed else []

    def locked() -> list[JournalRow]:
        # An attempt changes its rows in memory, so the next attempt reads them again.
        if unchanged and writer.lock_held(rows := unchanged.pop(), lease):
            return [*rows]
        return writer.lock_rows(mine)

    rows = retrying(partial(_process_claimed, locked, origin))
    failpoint("post.committed")
    counting.count_rows(rows, QUEUE)
    return rows


def _settled(
    run: Callable[[], list[R_co]],
    commands: Sequence[Command[R_co]],
    origin: Origin,
    *,
    keep: bool = True,
) -> list[R_co | Replay]:
    """Returns the result of `run`, or the replays of an earlier request with the same key.

    The insert decides who gets a key: the second of two requests fails there, before it has done
    anything.
    """
    results: list[R_co | Replay]
    try:
        results = [*_in_one_transaction(run, keep=keep)]
    except idempotency.CONFLICTS as conflict:
        results = [*idempotency.replays_after(conflict, commands, origin)]
    if keep:
        counting.count_results(results, origin.path)
    return results


def _in_one_transaction(run: Callable[[], T], *, keep: bool = True) -> T:
    """Calls `run` in a database transaction and retries it on contention. Commits only if `keep`.

    Raises Busy.
    """

    def written() -> T:
        results = run()
        failpoint("process.written")
        return results

    results = retrying(written, keep=keep)
    failpoint("process.committed")
    return results


def _process(commands: Sequence[Command[R_co]], origin: Origin) -> list[R_co]:
    commands, run = _locked(commands, origin)
    if len(commands) >= LONG_LIST and all(isinstance(one, MoneyCommand) for one in commands):
        return _stream(commands, run)
    results = [command.execute(run) for run.index, command in enumerate(commands)]
    # Point of no return: everything below must succeed.
    writer.write(run.rows, run.accounts)
    return results


def _stream(commands: Sequence[Command[R_co]], run: Run) -> list[R_co]:
    """Executes and writes a long list of money commands at once: a quarter faster.

    The server inserts each row while the next command executes in memory. An error of a
    command ends the insert, and the transaction is rolled back.
    """
    results: list[R_co] = []

    def rows() -> Iterator[JournalRow]:
        for run.index, command in enumerate(commands):
            results.append(command.execute(run))
            yield run.rows.pop()

    writer.stream(rows(), run.accounts)
    return results


def _process_all_or_none(
    commands: Sequence[Command[JournalRow]], origin: Origin
) -> list[JournalRow]:
    commands, run = _locked(commands, origin)
    rows = [command.execute(run) for run.index, command in enumerate(commands)]
    for row in rows:
        _refuse_incomplete(row)
    # Point of no return: everything below must succeed.
    writer.write(run.rows, run.accounts)
    return rows


def _process_batch(
    batch: Batch, commands: Sequence[KeyedCommand[Any]], origin: Origin, book: Book
) -> ItemResults:
    commands, run = _locked(commands, origin)
    return book(batch, commands, run)


def _process_claimed(locked: Callable[[], list[JournalRow]], origin: Origin) -> list[JournalRow]:
    rows = locked()
    failpoint("post.rows_locked")
    accounts = lock_accounts({one for row in rows for one in row.customer_account_ids()})
    failpoint("post.accounts_locked")
    now = locked_moment(accounts) or clock.now_of_writer()
    read_spending(accounts.values(), now)

    def outcomes() -> Iterator[events.EventRow]:
        at = now
        for index, row in enumerate(rows):
            at, before = events.moment_after(row, at), row.status
            execute(row, accounts, at)
            yield events.outcome(row, before=before, origin=origin, at=at, index=index)

    # The server inserts each event while the next row executes in memory.
    events.record(outcomes())
    failpoint("post.recorded")
    # Point of no return: everything below must succeed.
    writer.finish(rows, accounts)
    failpoint("post.settled")
    return rows


def _locked(commands: Sequence[C], origin: Origin) -> tuple[list[C], Run]:
    """Locks the rows of the list, one query each: stored transactions, accounts, makers.

    Raises NotFound and SelfDealing.
    """
    prepared: list[Any] = [command.prepare() for command in commands]
    decisions = [command for command in prepared if command.locks_transactions]
    stored = _lock_stored(decisions) if decisions else {}
    touched = {one for command in prepared for one in command.account_ids()}
    touched.update(one for command in decisions for one in command.account_ids_of(stored))
    opened = {command.account_id for command in prepared if command.opens_account}
    accounts = lock_accounts(touched - opened)
    now = locked_moment(accounts) or clock.now_of_writer()
    read_spending(accounts.values(), now)
    refuse_self_dealing(accounts.values(), origin)
    totals = None
    if settings.BANK_APPROVAL_DAILY_THRESHOLDS:
        makers = {one for command in prepared for one in command.makers(origin, stored)}
        totals = DayTotals.locked(makers, now)
    failpoint("process.locked")
    return prepared, Run(origin=origin, accounts=accounts, stored=stored, now=now, totals=totals)


def _lock_stored(decisions: Sequence[Command[Any]]) -> dict[UUID, JournalRow]:
    """Locks and returns the transactions of these decisions. Raises NotFound."""
    wanted = {one for command in decisions for one in command.transaction_ids()}
    has_place = bulkhead.enter(wanted)
    stored = {row.id: row for row in writer.lock_rows(Q(pk__in=wanted), nowait=not has_place)}
    bulkhead.leave()
    if missing := wanted - stored.keys():
        raise NotFound(f"There is no transaction {min(missing)}.")
    return stored


def _refuse_incomplete(row: JournalRow) -> None:
    """Raises the error that keeps a row of an atomic list from completion, without its id."""
    if refusal := row.refusal():
        refusal.transaction_id = None
        raise refusal
    if row.waits_for_approval():
        raise ApprovalRequired(
            "A movement that needs approval cannot be in a list: send it by itself."
        )
