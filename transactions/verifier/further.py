"""Rules of apps above this one, which register them in their `ready`."""

from collections.abc import Callable, Mapping

from django.db.backends.base.base import BaseDatabaseWrapper

from transactions.verifier.report import Collector, Report

# Checks rows of a snapshot. Gives the numbers of checked rows by name.
RowCheck = Callable[[BaseDatabaseWrapper, Collector], Mapping[str, int]]
# Checks files beside the bank, after the snapshot.
FileCheck = Callable[[Collector], None]
# A verification of what came after a point up to which the books are known.
ShortCheck = Callable[[], Report]

_of_rows: list[RowCheck] = []
_of_files: list[FileCheck] = []
_short: list[ShortCheck] = []


def register(
    *,
    rows: RowCheck | None = None,
    files: FileCheck | None = None,
    short: ShortCheck | None = None,
) -> None:
    """Adds checks of the whole bank, each of which runs once, and the one short verification."""
    if rows is not None and rows not in _of_rows:
        _of_rows.append(rows)
    if files is not None and files not in _of_files:
        _of_files.append(files)
    if short is not None:
        _short[:] = [short]


def check_rows(connection: BaseDatabaseWrapper, found: Collector) -> dict[str, int]:
    counts: dict[str, int] = {}
    for check in _of_rows:
        counts.update(check(connection, found))
    return counts


def check_files(found: Collector) -> None:
    for check in _of_files:
        check(found)


def verify_shortly() -> Report:
    """The report on what is new. It proves less than a whole verification."""
    (check,) = _short
    return check()
