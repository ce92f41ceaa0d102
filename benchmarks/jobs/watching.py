"""The price of watching the bank: of metrics in a request, of a scrape, and of statistics.

Prices are processor seconds, of this process and of PostgreSQL. Other work on the machine raises
them less than it raises times by the clock.
"""

import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections, transaction
from prometheus_client import Counter, Gauge, Histogram

from accounts.models import Account
from bankproject.metrics import database
from benchmarks.jobs.choices import Choice
from benchmarks.jobs.preparation import analyze
from benchmarks.processors import used_seconds
from benchmarks.target import Target
from core import clock
from tests.plans import statements_of
from transactions.api.statistics import represent_statistics
from transactions.statistics.report import WantedStatistics, statistics
from transactions.statistics.summaries import make_summaries

YEAR = timedelta(days=365)
# What each account has for itself.
_OWN = ("id", "number")
_CALLS = 100
_SCRAPES = 30
# Seconds of an interval, and so many of them.
_AT_ONCE = 1e-6
_NEVER = 10**12


class _Nothing:
    """What counts where BANK_METRICS is off: the methods of `core.metrics.instruments`."""

    def inc(self, amount: float = 1) -> None: ...
    def dec(self, amount: float = 1) -> None: ...
    def set(self, value: float) -> None: ...
    def observe(self, amount: float) -> None: ...


_COUNTING = {
    (kind, name): getattr(kind, name)
    for kind, names in (
        (Counter, ("inc",)),
        (Gauge, ("inc", "dec", "set")),
        (Histogram, ("observe",)),
    )
    for name in names
}


@contextmanager
def _without_counting() -> Iterator[None]:
    """In the block, each instrument does what it does where BANK_METRICS is off."""
    for kind, name in _COUNTING:
        setattr(kind, name, getattr(_Nothing, name))
    try:
        yield
    finally:
        for (kind, name), method in _COUNTING.items():
            setattr(kind, name, method)


def requests(target: Target, *, rounds: int) -> dict[str, float]:
    """A transfer by the API with metrics and without, in turns: quartiles of the ratios of time.

    Each round measures with, without, without, with, and compares neighbours. `with` and `without`
    are the medians in seconds of processor time of this thread, for one request.
    """
    ask = _transfers(target)
    _seconds(ask)
    measured: dict[bool, list[float]] = {True: [], False: []}
    ratios = []
    for _ in range(rounds):
        pairs = (_seconds(ask), _seconds_without(ask)), (_seconds_without(ask), _seconds(ask))
        for is_first, pair in zip((True, False), pairs, strict=True):
            counted, bare = pair if is_first else reversed(pair)
            measured[True].append(counted)
            measured[False].append(bare)
            ratios.append(counted / bare)
    low, middle, high = quantiles(ratios, n=4)
    return {
        "low": low,
        "median": middle,
        "high": high,
        "with": median(measured[True]),
        "without": median(measured[False]),
    }


def _seconds_without(ask: Callable[[], None]) -> float:
    with _without_counting():
        return _seconds(ask)


def _seconds(ask: Callable[[], None]) -> float:
    """The median of some calls: a checkpoint or another process hits few of them."""
    found = []
    for _ in range(_CALLS):
        begun = time.thread_time()
        ask()
        found.append(time.thread_time() - begun)
    return median(found)


def _transfers(target: Target) -> Callable[[], None]:
    application, choice = _application(), Choice(target)

    def ask() -> None:
        source, other = choice.pair()
        body = {"amount": "1.00", "target_account_id": str(other)}
        path = f"/api/v1/accounts/{source}/transfer/"
        _ask(application, "POST", path, target.people.token, json.dumps(body).encode())

    return ask


def _application() -> Any:
    """The bank, whose log lines are written and not shown."""
    application = get_wsgi_application()
    hide_log()
    return application


def hide_log() -> None:
    """From now on the lines of this process are written to nowhere."""
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(nowhere)


def _ask(application: Any, method: str, path: str, token: str, body: bytes = b"") -> bytes:
    statuses: list[str] = []
    response = application(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_AUTHORIZATION": f"Bearer {token}",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
        },
        lambda status, _headers, _info=None: statuses.append(status),
    )
    content = b"".join(response)
    response.close()
    assert statuses[0].startswith("2"), (statuses, content)
    return content


def scrape(target: Target) -> dict[str, Any]:
    """Scrapes that read the database, and each part of the reading by itself.

    Each has its seconds in Python and in PostgreSQL, the latter in steps of a 30th of 10 ms.
    `scrapes` has those with one of the parts that are read seldom, and `""` for none of them.
    """
    settings.METRICS_INTERVAL_SECONDS = _AT_ONCE
    application = _application()

    def ask() -> None:
        _ask(application, "GET", "/metrics", settings.METRICS_TOKEN)

    ask()
    statements = len(statements_of(lambda: database.read({})))
    parts = {
        name: _price(target, lambda part=part: list(part()))
        for name, part in database.PARTS.items()
    }
    scrapes = {}
    for due in ("", *database.SELDOM):
        database.SELDOM.update({part: 0 if part == due else _NEVER for part in database.SELDOM})
        scrapes[due] = _price(target, ask)
    return {"scrapes": scrapes, "statements": statements, "parts": parts}


def _price(target: Target, call: Callable[[], Any]) -> tuple[float, float]:
    assert target.database_pid is not None
    before = time.process_time(), used_seconds(target.database_pid)
    for _ in range(_SCRAPES):
        call()
    after = time.process_time(), used_seconds(target.database_pid)
    return (after[0] - before[0]) / _SCRAPES, (after[1] - before[1]) / _SCRAPES


def open_more(_: Target, *, total: int) -> None:
    """Copies accounts until there are so many, which is faster than to open them."""
    kept = [field.column for field in Account._meta.local_fields if field.name not in _OWN]
    names = ", ".join(kept)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(
            f"INSERT INTO accounts_account (id, number, {names})"  # noqa: S608 - constants
            f" SELECT gen_random_uuid(), 'copy ' || row_number() OVER (), {names}"
            " FROM accounts_account, generate_series(1, %(total)s)"
            " WHERE kind = 'CUSTOMER' LIMIT greatest(0, %(total)s -"
            " (SELECT count(*) FROM accounts_account WHERE kind = 'CUSTOMER'))",
            {"total": total},
        )
    analyze()
    connections.close_all()


def summarise(_: Target) -> int:
    """Makes the summaries of all closed days, as a worker does daily. Returns how many."""
    made = make_summaries()
    connections.close_all()
    return made


def year(_: Target, *, database_pid: int, times: int) -> dict[str, float]:
    """Statistics of a year by day and of all splits: seconds by the clock, and by processor.

    `database_pid` is that of the server, which may have been restarted.
    """
    last = clock.about_now().date() + timedelta(days=1)
    wanted = WantedStatistics(
        first=last - YEAR, end=last, by=("type", "currency", "status", "failure_code")
    )
    begun = time.perf_counter(), time.process_time(), used_seconds(database_pid)
    for _ in range(times):
        found = represent_statistics(statistics(wanted))
        assert len(found["results"]) >= 360, len(found["results"])
    ended = time.perf_counter(), time.process_time(), used_seconds(database_pid)
    clock_, python, of_database = ((b - a) / times for a, b in zip(begun, ended, strict=True))
    return {"clock": clock_, "processor": python + of_database}
