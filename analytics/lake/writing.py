"""Adds closed days to the lake: each as one file, whole or not there at all.

A file is written under a temporary name in the folder of its day, made durable, and renamed. The
manifest follows. After a crash, files that the manifest does not name are written again: what was
posted on a closed day never changes.
"""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import IO, Any

from analytics.lake.columns import PLACES
from analytics.lake.manifest import FILE_NAME, NAME, DayList, WrittenDay, folder_of, read_manifest
from analytics.lake.parquet import write_rows
from analytics.lake.reading import Totals, posted_days, posted_totals
from core import replica
from core.failpoints import failpoint
from core.files import (
    FileProblem,
    PendingFile,
    os_errors_as_file_problem,
    remove_leftovers,
    require_folder,
    sync_folder,
)
from core.settled import settled_moment
from core.single_run import single_run
from core.snapshot import snapshot
from transactions.statistics.spans import Calendar
from transactions.statistics.summaries import oldest_day

# Any constant that nothing else uses.
_ADVISORY_LOCK = 0x4C_41_4B_45
# The manifest is written after so many files: each time it is written as a whole.
_DAYS_IN_A_ROW = 31


@dataclass(frozen=True, slots=True)
class Added:
    """What a run has added, and the manifest since."""

    days: int
    rows: int
    manifest: DayList


def _untold(_rows: int) -> None:
    """Tells nobody."""


def export(
    lake: Path, before: date | None = None, *, told: Callable[[int], None] = _untold
) -> Added:
    """Writes the closed days before the day `before` that the lake does not have yet.

    The folder must exist. Each file takes the rights to read from it. `told` is called with a
    number of rows as they are written. Raises FileProblem; FileBusy while another run goes on; Busy
    if postings under way do not end; and database errors. What is written by then stays.
    """
    require_folder(lake)
    with single_run(lake / NAME, number=_ADVISORY_LOCK, busy="Another export to the lake goes on."):
        calendar = Calendar()
        manifest = read_manifest(lake, calendar.name)
        days_before, rows_before = len(manifest.days), manifest.rows
        first = manifest.covered_until or oldest_day(calendar)
        end = calendar.day_of(settled_moment())
        end = end if before is None else min(end, before)
        if first is not None and first < end:
            span = first, end
            replica.read_in_batch(partial(_add, lake, manifest, calendar, span, told))
    return Added(len(manifest.days) - days_before, manifest.rows - rows_before, manifest)


def _add(
    lake: Path,
    manifest: DayList,
    calendar: Calendar,
    span: tuple[date, date],
    told: Callable[[int], None],
) -> None:
    first, end = span
    # A read that a replica has broken off begins again, where the manifest ends.
    first = manifest.covered_until or first
    waiting: list[WrittenDay] = []
    with snapshot() as connection:
        if manifest.days:
            newest = manifest.days[-1]
            posted = posted_totals(connection, calendar, first, newest.day)
            _require_same_bank(lake, newest, posted)
        for day, rows in posted_days(connection, calendar, first, end):
            waiting.append(_write(lake, day, rows, told))
            if len(waiting) == _DAYS_IN_A_ROW:
                _record(lake, manifest, waiting, date.fromordinal(day.toordinal() + 1))
    _record(lake, manifest, waiting, end)


def _require_same_bank(lake: Path, newest: WrittenDay, posted: Totals) -> None:
    """Raises FileProblem unless this is what the ledger has since the newest day of the lake."""
    sums = {
        day: {currency: units for currency, (_, units) in of_day.items()}
        for day, of_day in posted.items()
    }
    if sums != {newest.day: newest.sums}:
        raise FileProblem(
            f"{lake} has other sums than the ledger since {newest.day}. It is the lake of another"
            " bank, or of this one before a restore. Begin a new lake in another folder."
        )


def _record(lake: Path, manifest: DayList, waiting: list[WrittenDay], until: date) -> None:
    manifest.days += waiting
    manifest.covered_until = until
    waiting.clear()
    manifest.write(lake)
    failpoint("lake.manifest_published")


class _Hashing:
    """A file for the writer that counts and hashes what passes through it."""

    closed = False

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: Any) -> int:
        self._file.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """The file itself is flushed when it is sealed."""


def _write(lake: Path, day: date, rows: Iterator[Any], told: Callable[[int], None]) -> WrittenDay:
    folder = folder_of(lake, day)
    mode = stat.S_IMODE(lake.stat().st_mode)
    _make_folders(folder, mode)
    remove_leftovers(folder, FILE_NAME)
    count, sums = 0, dict[str, int]()
    with PendingFile(folder / FILE_NAME) as pending:
        target = _Hashing(pending.file)
        with os_errors_as_file_problem(pending.path):
            os.fchmod(pending.file.fileno(), mode & 0o644 | 0o600)
            for group in write_rows(target, rows):
                count += len(group)
                _add_up(sums, group)
                told(len(group))
                failpoint("lake.half_written")
        pending.seal()
        failpoint("lake.day_sealed")
        pending.publish()
    sync_folder(folder)
    sync_folder(folder.parent)
    failpoint("lake.day_published")
    return WrittenDay(
        day, count, target.size, target.digest.hexdigest(), dict(sorted(sums.items()))
    )


def _make_folders(folder: Path, mode: int) -> None:
    for each in (folder.parent, folder):
        if not each.is_dir():
            with os_errors_as_file_problem(each, "created"):
                each.mkdir()
                each.chmod(mode)
            sync_folder(each.parent)


def _add_up(sums: dict[str, int], rows: list[Any]) -> None:
    amount, currency = PLACES["amount"], PLACES["currency"]
    for row in rows:
        code = row[currency]
        sums[code] = sums.get(code, 0) + row[amount]
