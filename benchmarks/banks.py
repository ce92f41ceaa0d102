"""Banks to measure: each has its own database, a process that runs jobs, and a web server."""

import importlib
import multiprocessing
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from benchmarks.cases import BANK_APPLICATION, RESTORED, SQLITE, Case
from benchmarks.jobs import preparation
from benchmarks.measure import Moved, Slice
from benchmarks.plan import Plan
from benchmarks.served import WebServer, served
from benchmarks.target import People, Target
from tests.postgresql import PostgresqlServer

# Usual settings of a production server, for our cases and the floors alike. The durability of
# commits stays untouched.
SERVER_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Of all banks together, and there are twice as many beside an earlier commit's.
    "max_connections": "400",
}
# One for all banks, so a token of the template is valid on its copies.
_SECRET_KEY = secrets.token_urlsafe(48)

Webs = Mapping[str, WebServer]


@dataclass(frozen=True, slots=True)
class Code:
    """The code of banks: its folder. The names of their databases begin with `prefix`."""

    root: Path = preparation.ROOT
    prefix: str = ""


OWN_CODE = Code()


class Bank:
    """A bank with rich accounts, ready for jobs. Only jobs move its money.

    `webs` are its web servers by their application.
    """

    def __init__(
        self, executor: Executor, target: Target, webs: Webs, *, is_restored: bool
    ) -> None:
        self._executor = executor
        self._target = target
        self._webs = webs
        # Whether the bank is restored to its present state before each case.
        self.is_restored = is_restored
        if is_restored:
            self._call("past.keep")

    def run(self, case: Case, seconds: float) -> Slice:
        """Runs one slice of the case. Raises CannotMeasure, and any error of the job."""
        target = self._target
        if case.uses_http:
            web = self._webs[case.application]
            target = replace(target, port=web.port, server_pid=web.pid)
        measured: Slice = self._call(case.job, target, seconds, **case.options)
        return measured

    def restore(self) -> None:
        self._call("past.restore")

    def books(self) -> Moved:
        """The current number of transactions, and the sum of all balances in units."""
        state: Moved = self._call("books.state")
        return state

    def findings(self) -> list[str]:
        """The verifier's findings, as lines of text; none if every rule holds."""
        lines: list[str] = self._call("books.findings")
        return lines

    def web_growth_megabytes(self) -> float | None:
        """The peak memory of a web process above its idle memory. None without a server."""
        web = self._webs.get(BANK_APPLICATION)
        return None if web is None else web.growth_megabytes()

    def call(self, job: str, **options: Any) -> Any:
        """What a job without a slice returns, for the target and the options."""
        return self._call(job, self._target, **options)

    def _call(self, job: str, *arguments: Any, **options: Any) -> Any:
        return self._executor.submit(call_job, job, *arguments, **options).result()


def call_job(job: str, *arguments: Any, **options: Any) -> Any:
    """Runs in the bank's process, the only one that can import modules that need Django."""
    module, _, function = job.rpartition(".")
    called = getattr(importlib.import_module(f"benchmarks.jobs.{module}"), function)
    return called(*arguments, **options)


@contextmanager
def new_banks(
    server: PostgresqlServer | None,
    cases: Sequence[Case],
    plan: Plan,
    tell: Callable[[str], None],
    code: Code = OWN_CODE,
) -> Iterator[dict[str, Bank]]:
    """The banks of these cases, by name, run by the code.

    Those on PostgreSQL are on the server, which has no databases with the same prefix yet.
    """
    with ExitStack() as stack:
        people = _make_template(server, plan, code) if server else None
        banks = {}
        for name in dict.fromkeys(case.bank for case in cases):
            tell(f"making the bank {code.prefix}{name}")
            its_cases = [case for case in cases if case.bank == name]
            bank = (
                _bank_on_sqlite(plan, code)
                if name == SQLITE or server is None or people is None
                else _bank_on_postgresql(name, server, people, its_cases, plan, code=code)
            )
            banks[name] = stack.enter_context(bank)
        yield banks


def _make_template(server: PostgresqlServer, plan: Plan, code: Code) -> People:
    """Creates a database to copy for all banks, and leaves no connection to it open."""
    url = _create_database(server, f"{code.prefix}template")
    with _folder() as folder, new_process(_environment(url, folder, plan), code) as executor:
        return executor.submit(preparation.prepare, plan.accounts).result()


def _create_database(server: PostgresqlServer, name: str, template: str = "template1") -> str:
    """Returns its URL."""
    with psycopg.connect(server.url, dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return server.url.rpartition("/")[0] + f"/{name}"


@contextmanager
def _bank_on_postgresql(
    name: str,
    server: PostgresqlServer,
    people: People,
    cases: Sequence[Case],
    plan: Plan,
    *,
    code: Code,
) -> Iterator[Bank]:
    url = _create_database(server, f"{code.prefix}{name}", f"{code.prefix}template")
    with _folder() as folder:
        environment = _environment(url, folder, plan)
        with new_process(environment, code) as executor:
            past = url, people, plan.stored.get(name, 0), plan.over
            target = Target(
                database_url=url,
                postgresql_bindir=server.bindir,
                database_pid=server.pid,
                pgbench_scale=plan.pgbench_scale,
                people=people,
                stored_between=executor.submit(call_job, plan.filled_by, *past).result(),
            )
            with _web_servers(cases, environment, folder, code) as webs:
                yield Bank(executor, target, webs, is_restored=name in RESTORED)


@contextmanager
def _bank_on_sqlite(plan: Plan, code: Code) -> Iterator[Bank]:
    with _folder() as folder:
        environment = _environment("", folder, plan)
        with new_process(environment, code) as executor:
            people = executor.submit(preparation.prepare, plan.accounts).result()
            yield Bank(executor, Target(people=people), {}, is_restored=False)


def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="bank-benchmark-")


@contextmanager
def _web_servers(
    cases: Sequence[Case], environment: Mapping[str, str], folder: str, code: Code
) -> Iterator[Webs]:
    """A server for each application that the cases use, all with the same settings."""
    applications = dict.fromkeys(case.application for case in cases if case.uses_http)
    with ExitStack() as stack:
        yield {
            each: stack.enter_context(served(each, environment, Path(folder), code.root))
            for each in applications
        }


def _environment(url: str, folder: str, plan: Plan) -> dict[str, str]:
    """The bank's default configuration, but without limits on requests of one client."""
    workers = {"WEB_CONCURRENCY": str(plan.web_workers)} if plan.web_workers else {}
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bankproject.settings",
        "DATABASE_URL": url,
        "BANK_DATA_DIR": folder,
        "DJANGO_SECRET_KEY": _SECRET_KEY,
        "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
        "BANK_PRODUCTION": "false",
        "BANK_TOKEN_LIFETIME_SECONDS": "86400",
        "BANK_THROTTLE_CLIENT_PER_MINUTE": "0",
        "BANK_THROTTLE_ADDRESS_PER_MINUTE": "0",
        **workers,
    }


def new_process(environment: Mapping[str, str], code: Code) -> Executor:
    """One process for one bank of the code, which runs one job at a time."""
    return ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=preparation.begin,
        initargs=(dict(environment), code.root),
    )
