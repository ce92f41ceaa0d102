"""The one funnel: every change to accounts and every movement of money runs through `process`.

The queue's worker comes in by `process_claimed`, and does the same to rows that are stored already.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast
from uuid import UUID

from django.db.models import Q

from accounts.commands import AccountCommand, OpenAccount
from accounts.locks import LockedAccount, lock_accounts, locked_moment
from accounts.models import Account
from accounts.self_dealing import refuse_self_dealing, refuse_self_dealing_by_id
from core import bulkhead, clock
from core.commands import Command, Origin
from core.contention import retrying
from core.errors import ApprovalRequired, NotFound, TransactionsPending
from core.failpoints import failpoint
from transactions.commands import Decision, MoneyCommand, Retry, resolve
from transactions.ledger import events
from transactions.ledger import writer as ledger
from transactions.ledger.booking import book
from transactions.ledger.day_totals import DayTotals, askings
from transactions.ledger.execution import Accounts, execute, execute_new
from transactions.ledger.idempotency import Replay, settle_keys
from transactions.ledger.journal import JournalRow, new_row
from transactions.models import Batch
from transactions.reads import selectors
from transactions.states import TransactionStatus

Result = Account | JournalRow | Replay


def process(
    commands: Sequence[Command],
    origin: Origin,
    *,
    all_or_nothing: bool = False,
    dry_run: bool = False,
    batch: Batch | None = None,
) -> list[Any]:
    """Runs a list of commands in one database transaction, in order; returns a result for each.

    An account command gives the Account. A money command gives its JournalRow: COMPLETED; or, if it
    was refused, FAILED with its code (`row.refusal()` is the error to raise); or PENDING, where it
    needs approval. A decision gives the row that it was about. What comes back is committed.

    With `all_or_nothing` the first refusal is raised, or ApprovalRequired, and nothing of the list
    is left behind.

    With `dry_run` all of that happens, locks and guards included, and is rolled back: the results
    say what would be, and neither a row nor a key is left behind. A row that would wait for
    approval is PENDING, as it would be.

    With `batch` the list is its items, money commands all: `batches.booking.book` says what comes
    of them.

    A command that carries an idempotency key which its caller has used before for the same request
    gives the Replay of what that made; used for another request, it raises IdempotencyKeyReused.

    Raises SelfDealing if the member of staff who asks owns an account that the list touches. Raises
    the BankError of the first command whose input is bad or whose account is unknown, and of a
    decision or account command that is refused: then nothing of the list is left behind. Raises
    Busy when other transactions stay in the way. Locks all accounts of the list, in one query. Not
    to be called inside a transaction.
    """
    results = settle_keys(
        lambda: retrying(lambda: _run(commands, origin, all_or_nothing, batch), keep=not dry_run),
        commands,
        origin,
        batch,
    )
    failpoint("process.committed")
    return results


def process_claimed(lease: UUID, origin: Origin, *, only: UUID | None = None) -> list[JournalRow]:
    """Runs the transactions of a worker's claim, as one list, in the order of the queue.

    A worker whose lease was taken from it finds no row with its token and does nothing: the rows
    are read by the token, under their lock, in the transaction that posts them. Raises Busy.
    """
    mine = Q(lease_token=lease, status=TransactionStatus.PROCESSING)
    if only is not None:
        mine &= Q(pk=only)
    rows = retrying(lambda: _run_claimed(mine, origin))
    failpoint("post.committed")
    return rows


def _run(
    commands: Sequence[Command], origin: Origin, all_or_nothing: bool, batch: Batch | None = None
) -> list[Result]:
    commands = resolve(commands)
    stored = _lock_stored(commands)
    totals = DayTotals()
    asked = askings(commands, stored, origin)
    totals.lock(maker for maker, _ in asked)
    accounts = lock_accounts(_accounts_of(commands, stored))
    refuse_self_dealing(accounts.values(), origin)
    _refuse_own_decisions(commands, stored, origin)
    # The one moment of all that the list makes and posts.
    now = locked_moment(accounts) or clock.now_of_writer()
    for maker, asked_at in asked:
        totals.read(maker, asked_at or now)
    failpoint("process.locked")
    if batch is not None:
        items = cast("list[MoneyCommand]", commands)
        results: list[Result] = list(book(batch, items, accounts, origin, now, totals=totals))
    else:
        results = _run_each(
            commands, stored, accounts, origin, now, totals=totals, all_or_nothing=all_or_nothing
        )
    failpoint("process.written")
    return results


def _run_each(
    commands: Sequence[Command],
    stored: dict[UUID, JournalRow],
    accounts: Accounts,
    origin: Origin,
    now: datetime,
    *,
    totals: DayTotals,
    all_or_nothing: bool,
) -> list[Result]:
    results: list[Result] = []
    for moves_money, some in groupby(enumerate(commands), key=_moves_money):
        if moves_money:
            rows = (
                _execute(command, index, accounts, origin, now, totals=totals)
                for index, command in some
            )
            results += ledger.write(_all_completed(rows) if all_or_nothing else rows, accounts)
            continue
        # These read and write rows themselves: they find what came before them.
        for index, command in some:
            if isinstance(command, Decision):
                row = stored[command.transaction_id]
                results.append(_decide(command, row, accounts, origin, now, totals=totals))
            else:
                # Events of one list are in its order.
                account = _apply(command, origin, now + timedelta(microseconds=index))
                accounts[account.id] = LockedAccount.of(account)
                results.append(account)
    return results


def _moves_money(numbered: tuple[int, Command]) -> bool:
    return isinstance(numbered[1], MoneyCommand)


def _execute(
    command: Command,
    index: int,
    accounts: Accounts,
    origin: Origin,
    now: datetime,
    *,
    totals: DayTotals,
) -> JournalRow:
    """The row that the `index`-th command comes to, posted in memory."""
    assert isinstance(command, MoneyCommand)
    row = new_row(command, command.posting(accounts), origin, now, index)
    execute_new(row, accounts, now, totals)
    return row


def _lock_stored(commands: Sequence[Command]) -> dict[UUID, JournalRow]:
    """The transactions that decisions are about, locked. Raises NotFound."""
    wanted = {command.transaction_id for command in commands if isinstance(command, Decision)}
    if not wanted:
        return {}
    has_place = bulkhead.enter(wanted)
    stored = {row.id: row for row in ledger.lock_rows(Q(pk__in=wanted), nowait=not has_place)}
    bulkhead.leave()
    if missing := wanted - stored.keys():
        raise NotFound(f"There is no transaction {min(missing)}.")
    return stored


def _accounts_of(commands: Sequence[Command], stored: dict[UUID, JournalRow]) -> set[UUID]:
    """The accounts to lock: all that the list touches, but those that it opens itself."""
    opened = {command.account_id for command in commands if isinstance(command, OpenAccount)}
    touched = {account_id for command in commands for account_id in command.account_ids()}
    for command in commands:
        if isinstance(command, Decision) and command.executes:
            touched.update(stored[command.transaction_id].customer_account_ids())
    return touched - opened


def _refuse_own_decisions(
    commands: Sequence[Command], stored: dict[UUID, JournalRow], origin: Origin
) -> None:
    """Raises SelfDealing for decisions that lock no account: those post nothing."""
    ended = [one for one in commands if isinstance(one, Decision) and not one.executes]
    if ended:
        rows = [stored[one.transaction_id] for one in ended]
        refuse_self_dealing_by_id([pk for row in rows for pk in row.customer_account_ids()], origin)


def _apply(command: Command, origin: Origin, now: datetime) -> Account:
    if isinstance(command, OpenAccount):
        return command.apply(origin, now)
    assert isinstance(command, AccountCommand)
    # Only this layer knows what is queued. What is queued later ends FAILED by account_closed.
    if command.refused_while_pending and selectors.has_open_transactions(command.account_id, now):
        raise TransactionsPending("Transactions of this account are still pending.")
    return command.apply(origin, now)


def _all_completed(rows: Iterable[JournalRow]) -> list[JournalRow]:
    """The rows of an atomic list. Raises what keeps one from completion; it names no transaction.

    The list is executed as a whole before it is written: a refusal is no reason to begin a COPY.
    """
    completed = []
    for row in rows:
        if refusal := row.refusal():
            refusal.transaction_id = None
            raise refusal
        if row.waits_for_approval():
            raise ApprovalRequired(
                "What a second person must approve is asked for by itself, not in a list."
            )
        completed.append(row)
    return completed


def _decide(
    command: Decision,
    row: JournalRow,
    accounts: Accounts,
    origin: Origin,
    now: datetime,
    *,
    totals: DayTotals,
) -> JournalRow:
    """Runs a decision on its locked row, and posts the row if that follows from it."""
    at = events.moment_after(row, now)
    before = row.status
    overwritten = command.decide(row, origin, now)
    if isinstance(command, Retry):
        totals.decide(row)
    decided = events.transition(
        row,
        command.event,
        before=before,
        origin=origin,
        at=at,
        reason=command.reason,
        detail=overwritten,
    )
    ledger.settle([row], {})
    written = [decided]
    if _goes_on(command, row, at):
        at = events.moment_after(row, now)
        execute(row, accounts, at)
        ledger.settle([row], accounts)
        written.append(events.outcome(row, before=TransactionStatus.PENDING, origin=origin, at=at))
    if isinstance(command, Retry):
        totals.add(row)
    events.record(written)
    return row


def _goes_on(command: Decision, row: JournalRow, now: datetime) -> bool:
    """Whether a decided row is posted at once, and not queued, scheduled or waiting."""
    if not command.executes or row.waits_for_approval():
        return False
    if isinstance(command, Retry) and command.queued:
        return False
    return row.scheduled_for is None or row.scheduled_for <= now


def _run_claimed(mine: Q, origin: Origin) -> list[JournalRow]:
    rows = ledger.lock_rows(mine)
    failpoint("post.rows_locked")
    accounts = lock_accounts({one for row in rows for one in row.customer_account_ids()})
    failpoint("post.accounts_locked")
    now = locked_moment(accounts) or clock.now_of_writer()
    outcomes = []
    for row in rows:
        at = events.moment_after(row, now)
        execute(row, accounts, at)
        outcomes.append(
            events.outcome(row, before=TransactionStatus.PROCESSING, origin=origin, at=at)
        )
    ledger.settle(rows, accounts)
    failpoint("post.settled")
    events.record(outcomes)
    failpoint("post.recorded")
    return rows
