"""Banks to measure: each has a database of its own, a process that runs jobs, and a web server."""

import importlib
import multiprocessing
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.cases import Case
from benchmarks.jobs import preparation
from benchmarks.measure import Moved, Slice
from benchmarks.plan import Plan
from benchmarks.served import WebServer, served
from benchmarks.target import Target
from tests.postgresql import PostgresqlServer

# What any installation for production sets, for all that runs on the server: ours and the floors.
# Nothing that makes a commit durable is touched.
SERVER_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
}


class Bank:
    """A bank with rich accounts, ready for jobs. Money in it moves by jobs only."""

    def __init__(self, executor: Executor, target: Target, web: WebServer | None) -> None:
        self._executor = executor
        self._target = target
        self._web = web
        self._idle_megabytes = web.largest_worker_megabytes() if web else 0.0

    def run(self, case: Case, seconds: float) -> Slice:
        """One slice of the case. Raises CannotMeasure, and whatever went wrong in the job."""
        measured: Slice = self._call(case.job, self._target, seconds, **case.options)
        return measured

    def books(self) -> Moved:
        """Transactions stored and the sum of all balances, in units, as of now."""
        state: Moved = self._call("books.state")
        return state

    def findings(self) -> list[str]:
        """What the verifier finds, as lines of text; none if every rule holds."""
        lines: list[str] = self._call("books.findings")
        return lines

    def web_growth_megabytes(self) -> float | None:
        """The largest web worker now, less the largest before any load. None without a server."""
        if self._web is None:
            return None
        return round(self._web.largest_worker_megabytes() - self._idle_megabytes, 1)

    def _call(self, job: str, *arguments: Any, **options: Any) -> Any:
        return self._executor.submit(call_job, job, *arguments, **options).result()


def call_job(job: str, *arguments: Any, **options: Any) -> Any:
    """Runs in the bank's process: only there can modules be imported that need Django."""
    module, _, function = job.rpartition(".")
    called = getattr(importlib.import_module(f"benchmarks.jobs.{module}"), function)
    return called(*arguments, **options)


@contextmanager
def new_bank(server: PostgresqlServer | None, cases: Sequence[Case], plan: Plan) -> Iterator[Bank]:
    """A bank for these cases on the empty server, or on SQLite if there is none."""
    url = server.url if server else ""
    with TemporaryDirectory(prefix="bank-benchmark-") as folder:
        environment = _environment(url, folder, plan)
        with _process(environment) as executor:
            executor.submit(preparation.migrate).result()
            account_ids = executor.submit(preparation.open_accounts, plan.accounts).result()
            token = executor.submit(preparation.issue_token).result()
            with _web_server(cases, environment, folder) as web:
                target = Target(
                    database_url=url,
                    postgresql_bindir=server.bindir if server else None,
                    pgbench_scale=plan.pgbench_scale,
                    port=web.port if web else None,
                    token=token,
                    account_ids=account_ids,
                )
                yield Bank(executor, target, web)


@contextmanager
def _web_server(
    cases: Sequence[Case], environment: Mapping[str, str], folder: str
) -> Iterator[WebServer | None]:
    needed = any(case.uses_http for case in cases)
    with served(environment, Path(folder)) if needed else nullcontext() as web:
        yield web


def _environment(url: str, folder: str, plan: Plan) -> dict[str, str]:
    """As the bank is configured out of the box, but for limits on what one client may send."""
    workers = {"WEB_CONCURRENCY": str(plan.web_workers)} if plan.web_workers else {}
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bankproject.settings",
        "DATABASE_URL": url,
        "BANK_DATA_DIR": folder,
        "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "BANK_PRODUCTION": "false",
        "BANK_TOKEN_LIFETIME_SECONDS": "86400",
        "BANK_THROTTLE_CLIENT_PER_MINUTE": "0",
        "BANK_THROTTLE_ADDRESS_PER_MINUTE": "0",
        **workers,
    }


def _process(environment: Mapping[str, str]) -> Executor:
    """One process, for one job at a time, which knows no other bank."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=preparation.begin,
        initargs=(dict(environment),),
    )
