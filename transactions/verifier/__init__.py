"""Proves the ledger from its rows alone, without trusting the code that keeps it right.

The invariants have numbers (M1, M2, M3, L1 ...), and each finding's code begins with its invariant.
Each file here has the rules of one pass over the data. A pass is one SQL statement that returns the
rows that break a rule. Only ids are decoded in Python, in a pass of their own.
"""

from functools import partial

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.selectors import damaged_accounts
from core import clock, replica
from core.snapshot import snapshot
from core.stand_in import stands_in
from transactions.verifier import (
    accounts,
    archive,
    customers,
    entries,
    events,
    further,
    holds,
    identifiers,
    journal,
    notes,
    objects,
    summaries,
)
from transactions.verifier.counts import counts
from transactions.verifier.report import Collector, Finding, Place, Report

__all__ = ["Finding", "Place", "Report", "examine", "verify"]


def verify(using: str = DEFAULT_DB_ALIAS) -> Report:
    """Checks the whole bank as committed at one moment, while others go on writing.

    Do not call it inside a database transaction. It reads on the replica, if there is one. But a
    broken rule holds the debits of an account, and a sound report ends that (`damage`). The disk of
    the replica must not decide on it: such a report is made again, on the primary.
    """
    report, is_of_replica = replica.read_in_batch(partial(_verify, using))
    if is_of_replica and (not report.ok or damaged_accounts().exists()):
        report, _ = _verify(using)
    return report


def _verify(using: str) -> tuple[Report, bool]:
    """The report, and whether it is of the replica."""
    found = Collector()
    with snapshot(using) as connection:
        checked = _examine(connection, found)
    further.check_files(found)
    return _report(checked, found), stands_in()


def examine(connection: BaseDatabaseWrapper) -> Report:
    """Checks the data that this connection sees, which must be a snapshot of one moment.

    The number of passes does not depend on the data, and memory does not grow with it. Files beside
    the bank are left out.
    """
    found = Collector()
    return _report(_examine(connection, found), found)


def _examine(connection: BaseDatabaseWrapper, found: Collector) -> dict[str, int]:
    """The numbers of checked rows, by name."""
    # This moment is after that of the connection's snapshot.
    in_the_journal = journal.rules_at(clock.now())
    passes = (in_the_journal, entries.PASS, accounts.PASS, accounts.CURRENCIES, events.PASS)
    for rules in (*passes, *customers.PASSES, notes.PASS, *holds.PASSES):
        rules.run(connection, found)
    archive.check(connection, found)
    identifiers.check(connection, found)
    summaries.check(connection, found)
    objects.check(connection, found)
    return counts(connection) | further.check_rows(connection, found)


def _report(checked: dict[str, int], found: Collector) -> Report:
    return Report(checked=checked, findings=found.findings(), damaged=found.damaged)
