"""How long the named queries take: on the database, and through Presto on the bank and the lake."""

import resource
import subprocess
import sys
import time
from collections.abc import Container, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from django.db import connections

from accounts.models import Account
from analytics.answers import Engine, ask
from analytics.catalog import QUERIES
from analytics.database import DatabaseEngine, TookTooLong
from analytics.parameters import business_day
from analytics.presto import PrestoEngine, PrestoFailed
from benchmarks.jobs.preparation import ROOT
from benchmarks.lines import tell
from benchmarks.target import Target
from tests.presto.server import catalogs, make_table, make_views, presto_server

_LONGEST_SECONDS = 600.0
_PASSWORD = "analyst-of-a-benchmark"  # noqa: S105 - of a server that ends with the run
_PLAN = "EXPLAIN SELECT COUNT(*) FROM transactions WHERE posting_day = DATE '{}'"
# The lake has only what was posted.
_NOT_IN_THE_LAKE = frozenset({"failures_by_reason"})
_SPAN = ("first", "last")
# The relations of analytics/relations.py, as the lake has them beside the bank's own.
_SIDE = (
    "SELECT id AS transaction_id, {0}_account_id AS account_id, {0}_sequence AS sequence,"
    " {1}amount AS amount, {0}_balance_after AS balance_after, currency, posting_day,"
    " date_format(posting_day, '%Y-%m') AS posting_month FROM lake.bank.transactions"
)
_OF_THE_LAKE = {
    "transactions": "SELECT id, type, 'COMPLETED' AS status, debit_account_id, credit_account_id,"
    " amount, currency, 0 AS is_archived, posting_day,"
    " date_format(posting_day, '%Y-%m') AS posting_month FROM lake.bank.transactions",
    "entries": " UNION ALL ".join((_SIDE.format("debit", "-"), _SIDE.format("credit", ""))),
    "accounts": "SELECT CAST(id AS varchar) AS id, number, kind, status, currency,"
    " CAST(customer_id AS varchar) AS customer_id, balance, opened_day, last_posting_day"
    " FROM bank.analytics.accounts",
    "customers": "SELECT CAST(id AS varchar) AS id, number, kind, status"
    " FROM bank.analytics.customers",
}


class _Lake(PrestoEngine):
    """Transactions and entries from the lake, accounts and customers from the live bank."""

    def relation(self, name: str) -> str:
        return _OF_THE_LAKE[name]


def export(_: Target, *, folder: Path) -> dict[str, float]:
    """Exports all closed days by the command, in a process of its own."""
    (lake := folder / "lake").mkdir()
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "manage.py", "export_lake", f"--dir={lake}"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {
        "seconds": time.perf_counter() - began,
        "megabytes": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "size": sum(path.stat().st_size for path in lake.rglob("*.parquet")),
    }


def seconds(_: Target, *, folder: Path, times: int) -> tuple[dict[str, dict[str, float]], str]:
    """By engine and query: the median. And how Presto plans a query of one day of the bank."""
    make_views(_PASSWORD)
    found = {"PostgreSQL": _seconds_on(DatabaseEngine(), QUERIES, times)}
    (own := folder / "presto").mkdir()
    with presto_server(own, catalogs(_PASSWORD, folder / "metastore")) as url:
        live = PrestoEngine(url)
        found["Presto, live"] = _seconds_on(live, QUERIES, times)
        make_table(live, folder / "lake")
        found["Presto, lake"] = _seconds_on(_Lake(url), QUERIES.keys() - _NOT_IN_THE_LAKE, times)
        one_day = _PLAN.format(business_day() - timedelta(days=1))
        ((plan,),) = live.fetch(one_day, _LONGEST_SECONDS)
    connections.close_all()
    return found, plan


def _seconds_on(engine: Engine, queries: Container[str], times: int) -> dict[str, float]:
    """The median of each of the queries, and of those that take days also for one day.

    A query that the engine refuses, or does not end in ten minutes, is told and left out.
    """
    found = {}
    for name, query, given in _asked():
        if query not in queries:
            continue
        clocks = []
        try:
            for _turn in range(times):
                began = time.perf_counter()
                ask(QUERIES[query], given, engine, seconds=_LONGEST_SECONDS)
                clocks.append(time.perf_counter() - began)
        except (PrestoFailed, TookTooLong) as problem:
            tell(f"{name}: {problem}")
        else:
            found[name] = median(clocks)
    return found


def _asked() -> Iterator[tuple[str, str, dict[str, str]]]:
    """A name for the line, the query, and its parameters."""
    last = business_day() - timedelta(days=1)
    number = Account.objects.filter(kind="CUSTOMER").values_list("number", flat=True)[0]
    for name, query in QUERIES.items():
        takes = {parameter.name for parameter in query.parameters}
        given = {"account": number} if "account" in takes else {}
        if not takes.issuperset(_SPAN):
            yield name, name, given
            continue
        for words, first in (("a year", last - timedelta(days=364)), ("one day", last)):
            span = {"first": first.isoformat(), "last": last.isoformat()}
            yield f"{name}, {words}", name, given | span
