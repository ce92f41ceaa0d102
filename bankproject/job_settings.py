"""Settings of the jobs."""

from pathlib import Path
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

from bankproject import environment
from jobs.catalog import JOBS
from jobs.timetable import NONE, ScheduledJob, parse

# The embedded bank has nobody who would schedule anything.
_EMBEDDED = "verify_ledger@02:00,seal_ledger@02:15,delete_expired@02:30"

# After the transactions that are scheduled for midnight.
_ARCHIVE = ScheduledJob("archive_transactions", minute=2 * 60)


class JobSettings(NamedTuple):
    """The jobs that workers run by themselves, and when one is overdue, in minutes (0: never).

    The folder for backups, if one is set, and how many of them the job keeps (0: all). The folder
    of the lake, if one is set.
    """

    jobs: tuple[ScheduledJob, ...]
    limit_minutes: int
    backup_folder: Path | None
    backup_keep: int
    lake_folder: Path | None


def read(*, embedded: bool, archives: bool) -> JobSettings:
    """The settings; a bank that `archives` does so daily, unless BANK_JOBS has another time for it.

    Raises ImproperlyConfigured, with one sentence.
    """
    text = environment.text("BANK_JOBS", _EMBEDDED if embedded else NONE)
    limit = environment.integer("BANK_JOB_LIMIT_MINUTES", default=60)
    backups = environment.text("BANK_BACKUP_DIR")
    lake = environment.text("BANK_LAKE_DIR")
    keep = environment.integer("BANK_BACKUP_KEEP", default=7)
    try:
        jobs = parse(text, JOBS)
    except ValueError as error:
        raise ImproperlyConfigured(f"BANK_JOBS: {error}") from None
    if archives and _ARCHIVE.name not in {one.name for one in jobs}:
        jobs = (*jobs, _ARCHIVE)
    return JobSettings(jobs, limit, _folder(backups), keep, _folder(lake))


def _folder(name: str) -> Path | None:
    return Path(name).resolve() if name else None
