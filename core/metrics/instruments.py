"""Everything that the processes count themselves, by name, with its labels and meaning.

A label has a value of a closed list only: the routes, methods, states, codes and currencies of this
code. Nothing that a caller sends is a value, so nobody can make a new series. A value costs about a
microsecond to count. Without the setting BANK_METRICS nothing is counted.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import prometheus_client
from django.conf import settings
from prometheus_client import values

from core.database_errors import DEADLOCK, LOCK_TIMEOUT, OTHER, SERIALIZATION
from core.metrics import folder

if folder.current() is not None:
    values.MmapedDict = folder.Reserved  # type: ignore[misc]
    values.ValueClass = values.MultiProcessValue(folder.identity)
else:  # One process, or a variable that was meant for another program.
    os.environ.pop(folder.VARIABLE, None)
    values.ValueClass = values.MutexValue
prometheus_client.disable_created_metrics()

logger = logging.getLogger(__name__)

# Only what the bank counts; the library's own registry has more of this process alone.
REGISTRY = prometheus_client.CollectorRegistry()

# Upper bounds in seconds. Each bucket of each route is a series, so there are few.
REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LOCK_SECONDS = (0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0)
_SETTLING_SECONDS = (0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)


class Instrument(Protocol):
    """A counter, gauge or histogram, or one of its series."""

    def inc(self, amount: float = 1) -> Any: ...
    def dec(self, amount: float = 1) -> Any: ...
    def set(self, value: float) -> Any: ...
    def observe(self, amount: float) -> Any: ...
    def labels(self, *values: str) -> "Instrument": ...


class _Nothing:
    """Counts nothing, where BANK_METRICS is off."""

    def inc(self, amount: float = 1) -> None: ...
    def dec(self, amount: float = 1) -> None: ...
    def set(self, value: float) -> None: ...
    def observe(self, amount: float) -> None: ...
    def labels(self, *values: str) -> "_Nothing":
        return self


def _counter(name: str, meaning: str, labels: Sequence[str] = ()) -> Any:
    if not settings.BANK_METRICS:
        return _Nothing()
    return prometheus_client.Counter(name, meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str) -> Any:
    """A gauge whose value is the sum over the living processes."""
    if not settings.BANK_METRICS:
        return _Nothing()
    return prometheus_client.Gauge(name, meaning, registry=REGISTRY, multiprocess_mode="livesum")


def _histogram(
    name: str, meaning: str, labels: Sequence[str] = (), *, bounds: Sequence[float]
) -> Any:
    if not settings.BANK_METRICS:
        return _Nothing()
    return prometheus_client.Histogram(name, meaning, labels, registry=REGISTRY, buckets=bounds)


HTTP_REQUESTS: Instrument = _counter(
    "bank_http_requests_total", "Answered requests.", ("route", "method", "status")
)
HTTP_SECONDS: Instrument = _histogram(
    "bank_http_request_duration_seconds",
    "Time from a request to its response.",
    ("route", "method", "status"),
    bounds=REQUEST_SECONDS,
)
HTTP_IN_FLIGHT: Instrument = _gauge("bank_http_requests_in_flight", "Requests being answered.")
SHED: Instrument = _counter(
    "bank_http_requests_shed_total", "Requests refused because they waited too long for a thread."
)
TRANSACTIONS: Instrument = _counter(
    "bank_transactions_total",
    "Transactions that came to a status.",
    ("type", "status", "currency", "failure_code", "path"),
)
AMOUNTS: Instrument = _counter(
    "bank_transactions_amount_total",
    "Sum of completed transactions in main units.",
    ("type", "currency"),
)
SETTLING_SECONDS: Instrument = _histogram(
    "bank_transaction_settling_seconds",
    "Time to the end of a transaction that waited.",
    ("path",),
    bounds=_SETTLING_SECONDS,
)
LOCK_SECONDS: Instrument = _histogram(
    "bank_lock_wait_seconds", "Time to lock the accounts of a command.", bounds=_LOCK_SECONDS
)
RETRIES: Instrument = _counter(
    "bank_contention_retries_total", "Database transactions tried again.", ("reason",)
)
REPLAYS: Instrument = _counter(
    "bank_idempotent_replays_total", "Answers of an earlier request with the same key.", ("what",)
)
QUEUE_WORKERS: Instrument = _gauge("bank_queue_workers", "Workers of the queue that live.")
CPU_SECONDS: Instrument = _counter(
    "bank_process_cpu_seconds_total", "Processor time used.", ("process",)
)

REPLICA_READS: Instrument = _counter(
    "bank_replica_reads_total", "Reads for the replica, by outcome.", ("outcome",)
)
WEBHOOK_ATTEMPTS: Instrument = _counter(
    "bank_webhook_attempts_total", "Messages sent to webhooks, by outcome.", ("outcome",)
)
WEBHOOK_SECONDS: Instrument = _histogram(
    "bank_webhook_attempt_seconds", "Time of a message to a webhook.", bounds=REQUEST_SECONDS
)

# The path of a transaction: how it came to this status.
SYNC, QUEUE, BATCH, CONSOLE, JOB = "sync", "queue", "batch", "console", "job"
# What was replayed: a whole request, or an item of a new batch.
REQUEST, ITEM = "request", "item"
# The kinds of processes.
WEB, WORKER = "web", "worker"

# These are there from the start: a rate needs the 0 before the first 1.
RETRIES_BY_REASON = {
    reason: RETRIES.labels(reason) for reason in (DEADLOCK, LOCK_TIMEOUT, SERIALIZATION, OTHER)
}
REPLICA_READS_BY = {
    outcome: REPLICA_READS.labels(outcome)
    for outcome in ("replica", "away", "behind", "failed", "strange")
}
REPLAYS_OF = {what: REPLAYS.labels(what) for what in (REQUEST, ITEM)}

_kind = OTHER
_cpu_lock = threading.Lock()
_cpu_noted = 0.0
_cpu_next = 0.0


def set_kind(kind: str) -> None:
    """Tells what this process is: WEB or WORKER. Called once, at its start."""
    global _kind  # noqa: PLW0603 - one assignment, at start-up
    _kind = kind
    folder.set_kind(kind)


@contextmanager
def no_room_is_no_fault() -> Iterator[None]:
    """Lets work go on where there is no room to count it. It may be committed already."""
    try:
        yield
    except OSError as error:
        logger.warning("There is no room for metrics: %s", error)


def own_kind() -> str:
    return _kind


def note_cpu() -> None:
    """Counts the processor time of this process, at most once a second. Called as it works."""
    global _cpu_noted, _cpu_next
    now = time.monotonic()
    if now < _cpu_next or not _cpu_lock.acquire(blocking=False):
        return
    try:
        used = time.process_time()
        CPU_SECONDS.labels(_kind).inc(used - _cpu_noted)
        _cpu_noted, _cpu_next = used, now + 1
    finally:
        _cpu_lock.release()
