"""Groups: commands of several callers in one database transaction (`core.gathering`).

Each has its own result or error, as if it ran alone. This module decides which commands must run
alone.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connection

from accounts.locks import lock_accounts_of_group, locked_moment, require_all
from accounts.self_dealing import refuse_self_dealing
from core import bulkhead, clock
from core.commands import Command, Origin
from core.contention import GROUP_SECONDS, answer_of_all, once
from core.errors import BankError
from core.failpoints import failpoint
from core.gathering import ALONE, Gathering, Outcome
from transactions.ledger import writer
from transactions.ledger.command import MoneyCommand
from transactions.ledger.counting import count_results
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.idempotency import CONFLICTS, CallersKey, Replay, find_used
from transactions.ledger.journal import JournalRow
from transactions.ledger.run import Run
from transactions.ledger.spending import read_spending

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that gathers, and its origin."""

    command: MoneyCommand
    origin: Origin

    def key(self) -> CallersKey | None:
        key = self.command.idempotency_key
        return (self.origin.caller, key) if key else None


Answer = JournalRow | Replay
Result = JournalRow | BankError
RunGroup = Callable[[Sequence[Asked]], Sequence[Result]]

# The gathering of this process, if its server has installed it.
gathering: Gathering[Asked, Answer] | None = None


def install(run_alone: Callable[[Asked], Answer]) -> None:
    """Gathers from now on."""
    global gathering  # noqa: PLW0603 - one assignment, at start-up
    gathering = Gathering(run_alone, lambda waiting: outcomes(waiting, process_group))


def may_gather(commands: Sequence[Command[Any]]) -> bool:
    """Whether this list may run in a group. No group waits for an account that is stuck."""
    if len(commands) != 1 or not commands[0].gathers or connection.in_atomic_block:
        return False
    return not bulkhead.is_awaited(set(commands[0].account_ids()), GROUP_SECONDS)


def outcomes(waiting: Sequence[Asked], run_group: RunGroup) -> list[Outcome[Answer]]:
    """Runs as many as possible as a group; returns an outcome for each that waits, in order.

    `run_group` executes a group in the database transaction that this opens. A command runs alone
    if its key is used, or is in the group already, since it is a replay. If contention or a fault
    ends the transaction, each runs alone. If the database cannot serve, or may have committed, each
    gets that error.
    """
    failpoint("gather.taken")
    began = time.monotonic()
    group = _with_different_keys(waiting)
    try:
        try:
            results = _committed(group, waiting, run_group)
        except IntegrityError:
            group = _with_unused_keys(group, waiting)
            results = _committed(group, waiting, run_group) if group else ()
    except DatabaseError as error:
        return [answer_of_all(error, began) or ALONE for _ in waiting]
    except Exception:
        # The transaction is rolled back, and the command at fault will fail alone.
        logger.exception("A group could not be run; each of its commands runs alone")
        return [ALONE] * len(waiting)
    failpoint("gather.committed")
    found = dict(zip(group, results, strict=True))
    paths = [waiting[index].origin.path for index in group]
    for path in set(paths):
        count_results((one for one, by in zip(results, paths, strict=True) if by == path), path)
    return [_outcome(found.get(index)) for index in range(len(waiting))]


def process_group(group: Sequence[Asked]) -> list[Result]:
    """Runs a group within a transaction, as the processor runs a list: lock, execute, write."""
    run = _locked(group)
    results = [_own_result(asked, run) for run.index, asked in enumerate(group)]
    # Point of no return: everything below must succeed.
    writer.write(run.rows, run.accounts)
    failpoint("gather.written")
    return results


def _own_result(asked: Asked, run: Run) -> Result:
    """The command's row, or its error: a command that gathers changes nothing before it raises."""
    run.origin = asked.origin
    try:
        own = set(asked.command.account_ids())
        require_all(own, run.accounts)
        refuse_self_dealing([run.accounts[one] for one in own], asked.origin)
        return asked.command.execute(run)
    except BankError as error:
        return error


def _locked(group: Sequence[Asked]) -> Run:
    """Locks accounts and makers, one query each. Leaves out unknown accounts: see `require_all`."""
    touched = {one for asked in group for one in asked.command.account_ids()}
    accounts = lock_accounts_of_group(touched)
    now = locked_moment(accounts) or clock.now_of_writer()
    read_spending(accounts.values(), now)
    totals = None
    if settings.BANK_APPROVAL_DAILY_THRESHOLDS:
        makers = {one for asked in group for one in asked.command.makers(asked.origin, {})}
        totals = DayTotals.locked(makers, now, in_group=True)
    return Run(origin=group[0].origin, accounts=accounts, stored={}, now=now, totals=totals)


def _committed(
    group: Sequence[int], waiting: Sequence[Asked], run_group: RunGroup
) -> Sequence[Result]:
    return once(lambda: run_group([waiting[index] for index in group]))


def _outcome(result: Result | None) -> Outcome[Answer]:
    """The result. ALONE if there is none, or if a used key may have caused the error."""
    return ALONE if result is None or isinstance(result, CONFLICTS) else result


def _with_different_keys(waiting: Sequence[Asked]) -> list[int]:
    """All indexes, but only the first one of each key."""
    keys = [asked.key() for asked in waiting]
    return [index for index, key in enumerate(keys) if key is None or key not in keys[:index]]


def _with_unused_keys(group: Sequence[int], waiting: Sequence[Asked]) -> list[int]:
    """Those of these indexes whose key is unused: none if no key can explain the conflict."""
    used = find_used([key for index in group if (key := waiting[index].key())])
    unused = [index for index in group if waiting[index].key() not in used]
    return unused if len(unused) < len(group) else []
