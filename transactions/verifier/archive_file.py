"""Checks the archive file against its recorded segments and the journal (rule A1).

Each line equals its transaction in the database, and the line's own segment has marked that
transaction. No line occurs twice in a segment. Each segment has as many lines as marked
transactions. So each archived transaction is in the file exactly once.
"""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import BaseDatabaseWrapper

from core import replica
from core.csv_records import records_of
from core.files import FileProblem, os_errors_as_file_problem
from core.identifiers import parse_uuid
from core.snapshot import snapshot
from transactions.archive.file import archive_path, chained, header_segment
from transactions.archive.lines import FORMAT, ArchiveLine, id_of, read_lines, shown_mark
from transactions.files.cells import CALLER, USER
from transactions.files.file_format import END_OF_LINE
from transactions.models import ArchiveRun, ArchiveSegment
from transactions.verifier import archive as database
from transactions.verifier.report import Collector, Place, Report

_LINES_AT_ONCE = 5000
# Lines contain users' names at the time of archiving.
_NAMES_OF_USERS = frozenset(
    index for index, column in enumerate(FORMAT.columns) if column.kind in (USER, CALLER)
)


def verify_archive(using: str = DEFAULT_DB_ALIAS) -> Report:
    """Checks the file against the bank as committed at one moment, while others go on writing.

    A run in progress may have written more than it has recorded, which is no finding. Memory grows
    with the largest segment only. Do not call it inside a database transaction.
    """

    def check() -> Report:
        with snapshot(using) as connection:
            return examine_archive(connection)

    return replica.read_in_batch(check)


def examine_archive(connection: BaseDatabaseWrapper) -> Report:
    """Checks the file by this connection's data, which must be a snapshot of one moment."""
    found = Collector()
    database.check(connection, found)
    checked = {"runs": ArchiveRun.objects.using(connection.alias).count()}
    with _opened(archive_path(), found) as file:
        checked |= _Proof(connection, found).of(file)
    return Report(checked=checked, findings=found.findings())


@contextmanager
def _opened(path: Path, found: Collector) -> Iterator[IO[bytes] | None]:
    """The file, or None if it is missing or cannot be read."""
    if not path.exists() and not path.is_symlink():
        yield None
        return
    try:
        with os_errors_as_file_problem(path, "read"):
            file = path.open("rb")
    except FileProblem as error:
        found.add(
            "A1.file_unreadable",
            "The archive's file can be read.",
            Place({"file": str(path)}, "a file", str(error)),
        )
        yield None
        return
    with file:
        yield file


@dataclass(slots=True)
class _Proof:
    """The pass over the file. `line` is the number of the last line read."""

    connection: BaseDatabaseWrapper
    found: Collector
    line: int = 1
    checked: dict[str, int] = field(
        default_factory=lambda: {"segments": 0, "lines": 0, "bytes": 0, "renamed_users": 0}
    )

    def of(self, file: IO[bytes] | None) -> dict[str, int]:
        last = header_segment()
        for segment in database.segments_of(self.connection):
            if file is None:
                self._add(
                    "A1.file_missing", "The archive's file is there.", segment, "a file", "none"
                )
                break
            if not last.number:
                self._check_header(file)
            self._check_segment(file, segment, last)
            last = segment
        if file is not None:
            self._check_end(file, last)
        return self.checked

    def _check_header(self, file: IO[bytes]) -> None:
        file.seek(0)
        header = file.read(len(FORMAT.header))
        if header != FORMAT.header:
            self.found.add(
                "A1.header",
                "The file begins with the header of the archive.",
                Place({"line": 1, "byte": 0}, _shown(FORMAT.header), _shown(header)),
            )

    def _check_segment(
        self, file: IO[bytes], segment: ArchiveSegment, last: ArchiveSegment
    ) -> None:
        file.seek(segment.file_start)
        data = file.read(segment.file_end - segment.file_start)
        self.checked["segments"] += 1
        self.checked["bytes"] += len(data)
        if chained(last.digest, data).hexdigest() != segment.digest:
            self._add(
                "A1.digest",
                "The digest of each segment, chained to the one before it, is as recorded.",
                segment,
                segment.digest,
                "another",
            )
        lines = list(records_of(_by_end(data)))
        if len(lines) != segment.rows:
            self._add(
                "A1.lines_of_segment",
                "A segment has as many lines as transactions.",
                segment,
                str(segment.rows),
                str(len(lines)),
            )
        self._check_lines(segment, lines)
        self.line += segment.rows

    def _check_lines(self, segment: ArchiveSegment, lines: list[bytes]) -> None:
        """Reports the first bad line of the segment only: later ones may just have moved."""
        seen: set[bytes] = set()
        byte = segment.file_start
        mark = shown_mark(run_id=segment.run_id, archived_at=segment.recorded_at)
        for start in range(0, len(lines), _LINES_AT_ONCE):
            chunk = lines[start : start + _LINES_AT_ONCE]
            rows = read_lines(self.connection, {one for line in chunk if (one := _id_in(line))})
            for number, line in enumerate(chunk, start + 1):
                identifier = id_of(line)
                expected = self._expected(mark, rows.get(identifier), line)
                if identifier in seen:
                    expected = "another transaction: it is already in the file"
                if expected is not None:
                    self._add_line(segment, self.line + number, byte, line, expected)
                    return
                seen.add(identifier)
                self.checked["lines"] += 1
                byte += len(line)

    def _expected(
        self, mark: tuple[bytes, bytes], row: ArchiveLine | None, line: bytes
    ) -> str | None:
        """The expected line, if it differs from the line."""
        if row is None:
            return "a transaction of this bank"
        if (row.run_id, row.archived_at) != mark:
            return "a transaction that this segment has marked"
        if line == row.data:
            return None
        if _differ_by_names_only(line, row.data):
            self.checked["renamed_users"] += 1
            return None
        return _shown(row.data)

    def _check_end(self, file: IO[bytes], last: ArchiveSegment) -> None:
        size = file.seek(0, 2)
        runs = ArchiveRun.objects.using(self.connection.alias)
        # Either the run goes on, or the next one cuts off its tail.
        if size <= last.file_end or runs.filter(finished_at__isnull=True).exists():
            return
        self.found.add(
            "A1.unrecorded_bytes",
            "The file ends where the last segment does.",
            Place({"line": self.line + 1, "byte": last.file_end}, str(last.file_end), str(size)),
        )

    def _add_line(
        self, segment: ArchiveSegment, number: int, byte: int, line: bytes, expected: str
    ) -> None:
        where = {"line": number, "byte": byte, "segment": segment.number}
        self.found.add(
            "A1.bad_line",
            "Each line equals a transaction of the database that the line's segment has marked.",
            Place({**where, "run_id": str(segment.run_id)}, expected, _shown(line)),
        )

    def _add(
        self, code: str, rule: str, segment: ArchiveSegment, expected: str, found: str
    ) -> None:
        where: dict[str, str | int] = {
            "segment": segment.number,
            "run_id": str(segment.run_id),
            "first_line": self.line + 1,
            "last_line": self.line + segment.rows,
        }
        self.found.add(code, rule, Place(where, expected, found))


def _by_end(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        found = data.find(END_OF_LINE, start)
        end = len(data) if found < 0 else found + len(END_OF_LINE)
        yield data[start:end]
        start = end


def _id_in(line: bytes) -> str | None:
    """The id at the beginning of the line, if it has the file's form."""
    try:
        identifier = parse_uuid(id_of(line).decode())
    except ValueError:
        return None
    return text if (text := str(identifier)).encode() == id_of(line) else None


def _differ_by_names_only(one: bytes, other: bytes) -> bool:
    if not one.endswith(END_OF_LINE):
        return False
    try:
        cells, others = (next(csv.reader([line.decode()], strict=True)) for line in (one, other))
    except (ValueError, csv.Error, StopIteration):
        return False
    return len(cells) == len(others) and all(
        cell == another or index in _NAMES_OF_USERS
        for index, (cell, another) in enumerate(zip(cells, others, strict=True))
    )


def _shown(line: bytes) -> str:
    return line.decode(errors="backslashreplace").rstrip("\r\n")
