"""Makes the workers' daily archive run, if BANK_ARCHIVE_AFTER_DAYS is set."""

import logging
from datetime import datetime, timedelta

from django.conf import settings

from core import clock
from core.background import BackgroundJob
from core.commands import Origin
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.models import ArchiveRun

logger = logging.getLogger(__name__)

# When a day's run is due, in UTC: after the transactions scheduled for midnight.
_HOUR = 2


class DailyArchive(BackgroundJob):
    """The run's record shows other workers that it has been made. It stops between two batches."""

    name = "daily archive run"

    def __init__(self, caller: str) -> None:
        super().__init__()
        self._origin = Origin(caller=caller)

    def is_wanted(self) -> bool:
        return bool(settings.ARCHIVE_AFTER_DAYS)

    def work(self) -> None:
        if not is_due():
            return
        before = clock.now() - timedelta(days=settings.ARCHIVE_AFTER_DAYS)
        outcome = archive(
            Selection(before=before),
            origin=self._origin,
            stopping=self._stopping.is_set,
            wanted=is_due,
        )
        if outcome is not None:
            logger.info("Archived %s transactions", outcome.run.rows)


def is_due() -> bool:
    """Whether no worker has made the day's run."""
    begins = _begin_of_day(clock.now())
    made = ArchiveRun.objects.filter(
        caller__startswith="worker:",
        started_at__gte=begins,
        finished_at__isnull=False,
        problem="",
    )
    return not made.exists()


def _begin_of_day(now: datetime) -> datetime:
    """The last moment at which a day's run became due."""
    shifted = now - timedelta(hours=_HOUR)
    return shifted.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
