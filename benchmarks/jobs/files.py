"""The CSV files: written, loaded and appended to by the bank's own commands, beside plain COPY.

Rates count rows of the journal only, whatever else a file or folder contains.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import psycopg
from django.core.management import call_command

from benchmarks.jobs import past, preparation
from benchmarks.jobs.books import state
from benchmarks.jobs.bulk_copy import floor_table
from benchmarks.jobs.choices import Choice
from benchmarks.jobs.commands import post, transfer
from benchmarks.machine import peak_megabytes
from benchmarks.measure import Calls, Moved, Slice, measure
from benchmarks.target import Target
from transactions.files.formats import FILES
from transactions.guards.journal import JOURNAL


def copied_out(target: Target, seconds: float) -> Slice:
    """The floor of an export: COPY of the same rows, whole tables, into files, as text."""
    tables = list(dict.fromkeys(each.table for each in FILES))
    with psycopg.connect(target.database_url) as connection, _folder() as folder:

        def copy(_: None) -> Moved:
            rows = {table: _copied_out(connection, table, folder / table) for table in tables}
            return Moved(rows[JOURNAL])

        return _unmoved(measure(lambda: None, copy, seconds))


def _copied_out(connection: psycopg.Connection[Any], table: str, path: Path) -> int:
    """Returns the number of rows written."""
    with path.open("wb") as file, connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} TO STDOUT") as blocks:
            for block in blocks:
                file.write(block)
        return cursor.rowcount


def exported(_: Target, seconds: float) -> Slice:
    """Exports all files, replacing the previous ones."""
    with _folder() as folder:
        return _unmoved(measure(lambda: None, lambda _: Moved(_export(folder)), seconds))


def copied_in(target: Target, seconds: float) -> Slice:
    """The floor of an import: COPY of the same rows into a table with the same indexes."""
    with psycopg.connect(target.database_url, autocommit=True) as connection:
        with connection.cursor() as cursor:
            with cursor.copy("COPY transactions_transaction TO STDOUT") as blocks:
                content = b"".join(blocks)
            rows = cursor.rowcount
        with floor_table(connection) as table:

            def empty() -> None:
                connection.execute(f"TRUNCATE {table}")

            def copy(_: None) -> Moved:
                with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    copy.write(content)
                return Moved(rows)

            return _unmoved(measure(empty, copy, seconds))


def imported(_: Target, seconds: float) -> Slice:
    """Imports the bank's own export into the emptied bank."""
    with _folder() as folder:
        rows = _export(folder)

        def load(_: None) -> Moved:
            call_command("import_data", folder, stdout=StringIO())
            return Moved(rows)

        return _unmoved(measure(past.clear, load, seconds, warms_up=False))


def archived(_: Target, seconds: float) -> Slice:
    """Archives all completed transactions, each time in a new run into a new file."""
    return _unmoved(measure(past.restore, lambda _: Moved(_archive()), seconds, warms_up=False))


def exported_apart(_: Target, _seconds: float) -> Slice:
    """One export in a process of its own, as a job runs it; reports its memory."""
    with _process() as executor, _folder() as folder:
        rows, elapsed, peak = executor.submit(_measured, _export, folder).result()
    return Slice(
        transactions=rows,
        latencies=[elapsed],
        seconds=elapsed,
        moved=Moved(),
        peak_megabytes=peak,
    )


def archived_apart(target: Target, _seconds: float) -> Slice:
    """One archive run in a process of its own, during transfers in this one.

    Latencies are those of the transfers.
    """
    choice, calls = Choice(target), Calls()
    with _process() as executor:
        archiving = executor.submit(_measured, _archive)
        while not archiving.done():
            calls.add(post, [transfer(choice)])
    rows, elapsed, peak = archiving.result()
    return Slice(
        transactions=rows,
        latencies=calls.latencies,
        seconds=elapsed,
        moved=calls.moved,
        peak_megabytes=peak,
    )


def _export(folder: Path) -> int:
    """Returns the number of transactions written, which is all of them."""
    call_command("export_data", dir=folder, stdout=StringIO())
    return state().transactions


def _archive() -> int:
    """Returns the number of transactions archived."""
    output = StringIO()
    now = datetime.now(UTC).isoformat()
    call_command("archive_transactions", "--before", now, "--json", stdout=output)
    rows: int = json.loads(output.getvalue())["rows"]
    return rows


def _measured(work: Callable[..., int], *arguments: Any) -> tuple[int, float, float]:
    """The result of `work`, its seconds, and the peak memory of this process in MB."""
    started = time.perf_counter()
    rows = work(*arguments)
    return rows, time.perf_counter() - started, peak_megabytes(psutil.Process())


def _unmoved(measured: Slice) -> Slice:
    """The slice with no money moved: files only copy the bank's rows."""
    return replace(measured, moved=Moved())


@contextmanager
def _process() -> Iterator[Executor]:
    """Another process of this bank, ready for work."""
    with ProcessPoolExecutor(
        max_workers=1,
        mp_context=get_context("spawn"),
        initializer=preparation.begin,
        initargs=(dict(os.environ),),
    ) as executor:
        executor.submit(state).result()
        yield executor


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="bank-benchmark-") as name:
        yield Path(name)
