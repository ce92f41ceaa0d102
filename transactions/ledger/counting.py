"""Counts movements of money for the metrics, after their COMMIT.

A transaction is counted each time that it comes to a status: PENDING when it is accepted to wait,
COMPLETED or FAILED at its end; a retried one ends again. So the count of COMPLETED is the number of
completed rows. Rolled-back work and dry runs are not counted. A process that dies between COMMIT
and count has counted nothing. `verify_ledger` proves the books; the metrics do not.
"""

from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any

from core.errors import FAILURES_BY_DECISION, REFUSALS
from core.metrics.instruments import (
    AMOUNTS,
    REPLAYS_OF,
    REQUEST,
    SETTLING_SECONDS,
    TRANSACTIONS,
    no_room_is_no_fault,
)
from transactions.ledger.idempotency import HoldResult, Replay
from transactions.ledger.journal import JournalRow
from transactions.states import OPEN, TransactionStatus

# The codes of a failure, which are the values of a label.
FAILURE_CODES = ("", *REFUSALS, "processing_error", *FAILURES_BY_DECISION)
_OTHER_CODE = "other"

# Cached, because a look-up by the library costs as much as counting.
_series = cache(TRANSACTIONS.labels)
_amounts = cache(AMOUNTS.labels)
_settling = cache(SETTLING_SECONDS.labels)


def count_results(results: Iterable[Any], path: str, *, replayed: str = REQUEST) -> None:
    """Counts the committed results of commands: rows by their status, and replays."""
    rows: list[JournalRow] = []
    replays = 0
    for result in results:
        made = result.result or result if isinstance(result, HoldResult) else result
        if isinstance(made, JournalRow):
            rows.append(made)
        elif isinstance(made, (Replay, HoldResult)):
            replays += made.replayed
    if replays:
        REPLAYS_OF[replayed].inc(replays)
    # An approved row that goes on to wait for its moment was counted when it was accepted.
    count_rows([row for row in rows if not (row.status in OPEN and row.approved_by_id)], path)


def count_ends(rows: Iterable[JournalRow], path: str) -> None:
    """Counts the committed rows that have ended, and leaves out the others."""
    count_rows([row for row in rows if row.status not in OPEN], path)


def count_rows(rows: Iterable[JournalRow], path: str) -> None:
    """Counts committed rows, each by its status."""
    numbers: Counter[tuple[str, str, str, str]] = Counter()
    moved: Counter[tuple[str, str]] = Counter()
    counted = [*rows]
    for row in counted:
        numbers[row.type, row.status, row.currency, row.failure_code] += 1
        if row.status == TransactionStatus.COMPLETED:
            moved[row.type, row.currency] += row.amount
    with no_room_is_no_fault():
        for (kind, status, currency, failure_code), number in numbers.items():
            code = failure_code if failure_code in FAILURE_CODES else _OTHER_CODE
            _series(str(kind), str(status), currency, code, path).inc(number)
        for (kind, currency), units in moved.items():
            _amounts(str(kind), currency).inc(units)
        for row in counted:
            _observe_wait(row, path)


def _observe_wait(row: JournalRow, path: str) -> None:
    """Observes the time of a row that waited: from the moment when it could begin to its end.

    Leaves out direct rows, the majority, which end at the moment of their creation.
    """
    waited = row.attempts or row.approval_required or row.retry_count
    if row.status in OPEN or not (waited or row.failure_code in FAILURES_BY_DECISION):
        return
    begun = max(row.created_at, row.scheduled_for or row.created_at)
    ended = row.completed_at or row.updated_at
    _settling(path).observe(max(0.0, (ended - begun).total_seconds()))
