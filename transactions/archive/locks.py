"""Allows one archive run at a time."""

from contextlib import AbstractContextManager
from pathlib import Path

from core.single_run import single_run

# Any constant not used by core.database, core.migration_lock and seals.
_ADVISORY_LOCK = 7_064_008


def archive_lock(path: Path) -> AbstractContextManager[None]:
    """Excludes every other run on this database or this file: see `single_run`."""
    return single_run(path, number=_ADVISORY_LOCK, busy="Another archive run is going on.")
