"""Jobs that a worker does now and then, in a thread of their own: no queue waits for them."""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from django.db import connection

from core.errors import Busy
from core.files import FileBusy, FileProblem

logger = logging.getLogger(__name__)

# The time to finish one batch at most.
_STOP_SECONDS = 5.0


# What makes the jobs of further apps, which queue workers cannot import.
_further: list[Callable[[], "BackgroundJob"]] = []


def register(make: Callable[[], "BackgroundJob"]) -> None:
    """Gives each worker a job that `make` makes. Called once for each, when its app is ready."""
    _further.append(make)


def further_jobs() -> list["BackgroundJob"]:
    """New jobs for one worker, of all that are registered."""
    return [make() for make in _further]


class JobFailed(Exception):
    """A failure whose sentence says all that the log needs."""


class BackgroundJob(ABC):
    """Looks now and then whether there is something to do, and does it.

    Any number of workers may have one: what a job has done shows the others that it is done. A
    failure is logged, and the job is tried again later.
    """

    # As in "The file desk failed".
    name: ClassVar[str]
    look_seconds: ClassVar[float] = 600.0
    seconds_after_a_failure: ClassVar[float] = 3600.0

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_look = 0.0

    @abstractmethod
    def work(self) -> None:
        """Does what is due. Runs in the thread."""

    def is_wanted(self) -> bool:
        """Whether this bank has the job at all. Costs nothing."""
        return True

    def look(self) -> None:
        """Starts the job if it may be due. Usually costs nothing."""
        if not self.is_wanted() or time.monotonic() < self._next_look:
            return
        if self._thread is not None and self._thread.is_alive():
            return
        self._next_look = time.monotonic() + self.look_seconds
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops the job between two batches.

        A job that does not stop in time is killed with the process; the next one cleans up.
        """
        self._stopping.set()
        self.wait(_STOP_SECONDS)

    def wait(self, seconds: float) -> None:
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.work()
        except (FileBusy, Busy) as busy:
            logger.info("The %s has to wait: %s", self.name, busy)
        except (FileProblem, JobFailed) as problem:
            logger.error("The %s failed: %s", self.name, problem)  # noqa: TRY400 - it says all
            self._next_look = time.monotonic() + self.seconds_after_a_failure
        except Exception:
            logger.exception("The %s failed", self.name)
            self._next_look = time.monotonic() + self.seconds_after_a_failure
        finally:
            connection.close()
