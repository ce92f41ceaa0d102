"""The workers' daily archive run, if BANK_ARCHIVE_AFTER_DAYS is set."""

import logging
import threading
import time
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from core import clock
from core.commands import Origin
from core.files import FileBusy, FileProblem
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.models import ArchiveRun

logger = logging.getLogger(__name__)

# When a day's run is due, in UTC: after the transactions scheduled for midnight.
_HOUR = 2
_LOOK_SECONDS = 600.0
_SECONDS_AFTER_A_FAILURE = 3600.0
# The time to finish one batch at most.
_STOP_SECONDS = 5.0


class DailyArchive:
    """Makes the day's run in a thread of its own, so that no queued transaction waits for it.

    Any number of workers may have one: the run's record shows the others that it has been made. A
    failure is logged, and the run is retried an hour later.
    """

    def __init__(self, caller: str) -> None:
        self._origin = Origin(caller=caller)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_look = 0.0

    def look(self) -> None:
        """Starts the day's run if it may be due. Usually costs nothing."""
        if not settings.ARCHIVE_AFTER_DAYS or time.monotonic() < self._next_look:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        self._thread = threading.Thread(target=self._run, name="daily-archive", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops a run between two batches.

        A run that does not stop in time is killed with the process; the next run cleans up.
        """
        self._stopping.set()
        self.wait(_STOP_SECONDS)

    def wait(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            if is_due():
                self._archive()
        except FileBusy:
            logger.info("Another archive run is going on; looking again later")
        except FileProblem as problem:
            logger.error("The daily archive run failed: %s", problem)  # noqa: TRY400 - it says all
            self._next_look = time.monotonic() + _SECONDS_AFTER_A_FAILURE
        except Exception:
            logger.exception("The daily archive run failed")
            self._next_look = time.monotonic() + _SECONDS_AFTER_A_FAILURE
        finally:
            connection.close()

    def _archive(self) -> None:
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
    """Whether the day's run has not been made by any worker."""
    begins = _begin_of_day(clock.now())
    made = ArchiveRun.objects.filter(
        caller__startswith="worker:",
        started_at__gte=begins,
        finished_at__isnull=False,
        problem="",
    )
    return not made.exists()


def _begin_of_day(now: datetime) -> datetime:
    """The last time that a day's run became due."""
    shifted = now - timedelta(hours=_HOUR)
    return shifted.replace(hour=_HOUR, minute=0, second=0, microsecond=0)
