"""What statements and seals cost: each figure by the clock, in processor time, and in memory.

Processor seconds are those of this process and of PostgreSQL. Other work on the machine raises them
less than it raises times by the clock.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connections

from benchmarks.jobs import past
from benchmarks.jobs.preparation import analyze
from benchmarks.processors import used_seconds
from benchmarks.target import Target
from core.commands import Origin
from seals import keys
from seals.sealing import seal
from seals.verifier import verify_since_seal
from statements.contents import LinesOfAccount, content_of
from statements.documents.content import DocumentFormat
from statements.documents.render import open_document
from statements.entries import EntryRange
from statements.issuing import issue_for_all, last_ended_month
from statements.models import Statement
from transactions.commands import Transfer
from transactions.ledger.processor import process
from transactions.statistics.spans import Calendar

_ORIGIN = Origin(caller="job:benchmark")
_LIST_LENGTH = 500
# Written to this file, the kernel forgets the peak of the process's memory.
_FORGET_PEAK = "5"

Figures = dict[str, float]


def store(target: Target, *, busy: int, others: int) -> None:
    """Fills the month that ended last: the accounts are opened at its beginning.

    `busy` transfers are between the busy account and another, `others` between two others.
    """
    month, calendar = last_ended_month(), Calendar()
    start, end = month.starts_at(calendar), month.ends_at(calendar)
    past.open_at(start)
    half = (end - start) / 2
    past.store(target.database_url, target.people, busy, half, until=start + half)
    past.store(target.database_url, target.people, others, half, until=end, spread=True)
    connections.close_all()


def move(target: Target, *, accounts: int, transfers: int) -> None:
    """Posts new transfers, whose entries are those of so many accounts in turn."""
    people = target.people.account_ids[:accounts]
    commands = [
        Transfer(
            account_id=people[2 * turn % accounts],
            target_account_id=people[(2 * turn + 1) % accounts],
            amount=Decimal(1),
        )
        for turn in range(transfers)
    ]
    for start in range(0, transfers, _LIST_LENGTH):
        process(commands[start : start + _LIST_LENGTH], _ORIGIN)
    connections.close_all()


def make_key(_: Target) -> None:
    """The key that signs, which a bank makes once."""
    keys.make_key(keys.key_path())


def sealing(target: Target) -> Figures:
    """Seals what has moved; `entries` is their number."""
    outcome, figures = _measured(target, seal)
    assert outcome is not None
    return figures | {"entries": outcome.seal.entries if outcome.seal else 0}


def since_seal(target: Target) -> Figures:
    """Verifies what came after the last seal; `entries` is their number."""
    report, figures = _measured(target, verify_since_seal)
    assert report.ok, report
    return figures | {"entries": report.checked["new_entries"]}


def issuing(target: Target) -> Figures:
    """Issues the statements that are missing; `statements` is their number."""
    analyze()
    until = last_ended_month()
    issued, figures = _measured(target, lambda: issue_for_all(until, origin=_ORIGIN))
    return figures | {"statements": issued}


def document(target: Target, *, wanted: str, entries: int) -> Figures:
    """Writes the statement of the busy account, with its first entries, in a format."""
    statements = Statement.objects.select_related("account__customer", "previous")
    stated = statements.get(account=target.people.busy_id)
    content = content_of(stated, check_url="https://bank.example/verify/")
    first = stated.first_sequence
    chosen = EntryRange(stated.account_id, first, first + entries - 1)
    lines = LinesOfAccount(chosen, content.end, content.currency, content.time_zone)
    content = replace(content, count=entries, lines=lines)

    def write() -> int:
        with open_document(content, DocumentFormat(wanted)) as file:
            return file.seek(0, 2)

    size, figures = _measured(target, write)
    return figures | {"entries": entries, "bytes": size}


def _measured(target: Target, call: Callable[[], Any]) -> tuple[Any, Figures]:
    """What the call returns; seconds by the clock and of processors, and the peak of memory."""
    assert target.database_pid is not None
    Path("/proc/self/clear_refs").write_text(_FORGET_PEAK)
    idle = _peak_megabytes()
    begun = time.perf_counter(), time.process_time(), used_seconds(target.database_pid)
    found = call()
    ended = time.perf_counter(), time.process_time(), used_seconds(target.database_pid)
    clock, python, database = (after - before for before, after in zip(begun, ended, strict=True))
    connections.close_all()
    peak = _peak_megabytes()
    return found, {
        "clock": clock,
        "python": python,
        "database": database,
        "megabytes": peak,
        "growth": peak - idle,
    }


def _peak_megabytes() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kilobytes) / 1000
