"""Helpers for tests of the queue: waiting commands, a worker for them, and their outcomes."""

import re
from typing import Any
from uuid import UUID

from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.commands import Origin
from tests.factories import ORIGIN
from transactions.commands import MoneyCommand, Reverse
from transactions.models import Transaction
from transactions.queue.acceptance import accept
from transactions.queue.waiting import claim
from transactions.queue.worker import Worker
from transactions.verifier import examine

WORKER = Origin(caller="worker:test")


def queue_up(*commands: MoneyCommand | Reverse, origin: Origin = ORIGIN) -> list[Transaction]:
    """Queues each command separately; returns the PENDING transactions."""
    rows = [accept([command], origin)[0] for command in commands]
    return [row.as_transaction() for row in rows]


def work(*, batch_size: int = 500) -> int:
    """Runs a worker on the due rows; returns how many it has processed."""
    return Worker(batch_size=batch_size, once=True).run()


def claimed(worker: str = "test", *, batch_size: int = 500) -> list[UUID]:
    """The ids that a worker of this name would claim now."""
    return claim(worker, WORKER, batch_size=batch_size).transaction_ids


def outcome(row: Any) -> tuple[str, str]:
    """Status and failure code, as stored."""
    stored = Transaction.objects.get(pk=row.id)
    return stored.status, stored.failure_code


def history(row: Any) -> list[tuple[str, str, str, int]]:
    """Event, status before and after, and attempt, in the order of the events' ids."""
    events = Transaction.objects.get(pk=row.id).events.order_by("id")
    return list(events.values_list("event", "from_status", "to_status", "attempt"))


def assert_clean() -> None:
    """Asserts every invariant of the ledger on the data that this connection sees."""
    assert [str(finding) for finding in examine(connection).findings] == []


def verbs(statements: CaptureQueriesContext) -> list[str]:
    """The first word (SELECT, INSERT ...) of each captured statement."""
    return [
        re.sub(r"^\d+ times: ", "", query["sql"]).split()[0]
        for query in statements.captured_queries
    ]


def verbs_of_accepting(statements: CaptureQueriesContext) -> list[str]:
    """As `verbs`, without the frame of a database transaction, by which SQLite has one writer."""
    frame = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [one for one in verbs(statements) if connection.vendor != "sqlite" or one not in frame]
