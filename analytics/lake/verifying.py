"""Compares the lake with its manifest, and both with the ledger."""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from analytics.lake.columns import TABLE
from analytics.lake.manifest import FILE_NAME, DayList, WrittenDay, folder_of, read_manifest
from analytics.lake.parquet import SCHEMA
from analytics.lake.reading import Totals, posted_totals
from core import replica
from core.counts import count_of
from core.files import os_errors_as_file_problem, require_folder
from core.money import to_units
from core.snapshot import snapshot
from transactions.statistics.spans import Calendar

_CHUNK = 1 << 20


def verify(lake: Path) -> tuple[DayList, list[str]]:
    """The manifest and the findings, each a sentence.

    Reads every file, and the ledger once. Raises FileProblem and database errors.
    """
    require_folder(lake)
    calendar = Calendar()
    manifest = read_manifest(lake, calendar.name)
    findings = [
        *_strays(lake, manifest),
        *(finding for day in manifest.days for finding in _of_file(lake, day, calendar)),
    ]
    if manifest.covered_until is not None:
        findings += _against_ledger(manifest, manifest.covered_until, calendar)
    return manifest, findings


def _strays(lake: Path, manifest: DayList) -> Iterator[str]:
    """Files of covered days that the manifest does not name; readers of partitions read them."""
    named = {folder_of(lake, day.day) / FILE_NAME for day in manifest.days}
    for path in sorted((lake / TABLE).rglob("*")):
        is_read = path.is_file() and path.name[0] not in "._"
        if is_read and path not in named and not _is_to_come(path, manifest):
            yield f"{path} is not in the manifest."


def _is_to_come(path: Path, manifest: DayList) -> bool:
    """Whether it is a whole day that a killed run had no time to name. The next run does."""
    try:
        day = date.fromisoformat(path.parent.name.partition("=")[2])
    except ValueError:
        return False
    is_new = manifest.covered_until is None or day >= manifest.covered_until
    return is_new and path.name == FILE_NAME


def _of_file(lake: Path, day: WrittenDay, calendar: Calendar) -> Iterator[str]:
    path = folder_of(lake, day.day) / FILE_NAME
    if not path.is_file():
        yield f"{path} is missing."
        return
    digest, size = hashlib.sha256(), 0
    with os_errors_as_file_problem(path, "read"), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    if (size, digest.hexdigest()) != (day.size, day.sha256):
        yield f"{path} is not the file that was written."
        return
    yield from _of_content(path, day, calendar)


def _of_content(path: Path, day: WrittenDay, calendar: Calendar) -> Iterator[str]:
    rows, sums = 0, dict[str, int]()
    start = calendar.start_of(day.day)
    end = calendar.start_of(date.fromordinal(day.day.toordinal() + 1))
    file = pq.ParquetFile(path)
    if not file.schema_arrow.equals(SCHEMA):
        yield f"{path} has other columns."
        return
    for batch in file.iter_batches(columns=["amount", "currency", "posted_at"]):
        rows += batch.num_rows
        times = pc.min_max(batch["posted_at"]).as_py()
        if not start <= times["min"] <= times["max"] < end:
            yield f"{path} has rows of another day."
        totals = batch.select(["amount", "currency"]).to_struct_array()
        for currency in pc.unique(totals.field("currency")):
            mask = pc.equal(totals.field("currency"), currency)
            units = to_units(pc.sum(totals.field("amount").filter(mask)).as_py())
            sums[currency.as_py()] = sums.get(currency.as_py(), 0) + units
    if (rows, sums) != (day.rows, day.sums):
        yield f"{path} has other rows or sums than the manifest says."


def _against_ledger(manifest: DayList, until: date, calendar: Calendar) -> Iterator[str]:
    def read() -> Totals:
        with snapshot() as connection:
            return posted_totals(connection, calendar, until)

    ledger = replica.read_in_batch(read)
    known = {day.day: day for day in manifest.days}
    for day in sorted(ledger.keys() | known.keys()):
        posted = ledger.get(day, {})
        sums = {currency: units for currency, (_, units) in posted.items()}
        rows = sum(count for count, _ in posted.values())
        written = known.get(day)
        if written is None:
            yield f"{day} is not in the lake: the ledger has {count_of(rows, 'row')}."
        elif (written.rows, written.sums) != (rows, sums):
            yield (
                f"{day} has {count_of(written.rows, 'row')} in the lake and {rows:,} in the ledger."
                if written.rows != rows
                else f"{day} has other sums in the lake than in the ledger."
            )
