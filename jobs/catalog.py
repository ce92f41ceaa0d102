"""The jobs of the bank by name. A feature adds its own here.

A job is a function of the business date. It may be called twice for a date, by two processes at
once, and after a crash at any point: what is done stays done, and is not done twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings

from jobs.backup import make_backup
from jobs.command_jobs import command

# Returns what it did, as JSON for people. Raises JobBusy, JobFailed, or an error of the database.
Work = Callable[[date, str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Job:
    """`work` takes the business date, and the slot of the run or an empty text."""

    name: str
    title: str
    meaning: str
    work: Work


def _before_archive(day: date) -> Sequence[str]:
    """The archive takes what was completed so many days before the business date."""
    from core.days import midnight
    from transactions.statistics.spans import zone

    days = settings.ARCHIVE_AFTER_DAYS or _ARCHIVE_DAYS
    return ("--before", midnight(day - timedelta(days=days), zone()).isoformat())


def _month_before(day: date) -> Sequence[str]:
    """The last month that has ended before the business date."""
    last = day.replace(day=1) - timedelta(days=1)
    return ("--period", f"{last:%Y-%m}")


def _once_for(day: date, slot: str) -> Sequence[str]:
    return ("--once-for", f"retry_failed {day} {slot}".strip())


def seal_if_there_is_a_key(day: date, slot: str) -> Mapping[str, Any]:
    """A bank that has never sealed need not begin to."""
    from seals import keys
    from seals.selectors import newest_seal

    if not keys.has_key() and newest_seal() is None:
        return {"told": "The bank has no key to seal with: `seal_ledger --new-key` makes one."}
    return command("seal_ledger")(day, slot)


# As `manage.py archive_transactions` where BANK_ARCHIVE_AFTER_DAYS says nothing.
_ARCHIVE_DAYS = 90

_ALL = (
    Job(
        "verify_ledger",
        "Verify the ledger",
        "Checks every rule of the books, and records the result.",
        command("verify_ledger"),
    ),
    Job(
        "seal_ledger",
        "Seal the ledger",
        "Seals the entries since the last seal.",
        seal_if_there_is_a_key,
    ),
    Job(
        "archive_transactions",
        "Archive transactions",
        "Archives transactions completed BANK_ARCHIVE_AFTER_DAYS days before the date, or 90.",
        command("archive_transactions", lambda day, _slot: _before_archive(day)),
    ),
    Job(
        "issue_statements",
        "Issue statements",
        "Issues the statements of the months that have ended before the date.",
        command("issue_statements", lambda day, _slot: _month_before(day)),
    ),
    Job(
        "export_data",
        "Export the data",
        "Writes the bank's state as CSV files into the data folder.",
        command("export_data"),
    ),
    Job(
        "export_lake",
        "Export to the lake",
        "Writes what was posted on each closed day before the date as a Parquet file.",
        command("export_lake", lambda day, _slot: ("--before", day.isoformat())),
    ),
    Job(
        "retry_failed",
        "Retry failed transactions",
        "Retries, once each, the transactions whose failure is temporary.",
        command("retry_failed", _once_for),
    ),
    Job(
        "summarise_days",
        "Summarise days",
        "Makes the summaries of closed days, which statistics read.",
        command("summarise_days"),
    ),
    Job(
        "delete_expired",
        "Delete what has expired",
        "Removes expired tokens, sessions that are over, and old records of logins.",
        command("clear_expired"),
    ),
    Job(
        "backup",
        "Back up the bank",
        "Writes a backup of the date into BANK_BACKUP_DIR, and deletes the oldest ones.",
        make_backup,
    ),
)

JOBS: dict[str, Job] = {job.name: job for job in _ALL}
