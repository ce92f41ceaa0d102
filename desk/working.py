"""The workers' part: posts approved files piece by piece, and reverses files as a whole.

One worker at a time has the desk. It may die at any line: the next one goes on behind the last
recorded piece. What was committed and not recorded is a replay, by the keys of its batch.
"""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from core import clock
from core.background import BackgroundJob
from core.errors import BankError, Busy
from core.failpoints import failpoint
from core.single_run import single_run
from desk.contents import key_of, movements_of, poster_of
from desk.models import DeskFile
from desk.reversing import reverse_file
from desk.states import UNDER_WAY, FileStatus
from transactions.batches.posting import post_file
from transactions.ledger.booking import ItemResult, ItemResults
from transactions.ledger.idempotency import Replay
from transactions.reads.items import status_of
from transactions.states import TransactionStatus

logger = logging.getLogger(__name__)

_ADVISORY_LOCK = 7_064_010
_LONGEST_PROBLEM = 500


class _Overtaken(Exception):
    """Another worker has recorded this piece."""


class FilePoster(BackgroundJob):
    """Any number of workers has one. One of them has the desk."""

    name = "file desk"
    look_seconds = 1.0
    seconds_after_a_failure = 30.0

    def look(self) -> None:
        """One small read in the worker's own thread; a thread only where there is work."""
        if self._thread is not None and self._thread.is_alive():
            return
        if _under_way().exists():
            super().look()

    def work(self) -> None:
        busy = "Another worker has the file desk."
        with single_run(settings.DATA_DIR / "desk", number=_ADVISORY_LOCK, busy=busy):
            while not self._stopping.is_set() and (file := _under_way().first()):
                work_on(file, stopping=self._stopping.is_set)


def _under_way() -> Any:
    return DeskFile.objects.filter(status__in=UNDER_WAY).order_by("decided_at", "id")


def work_on(file: DeskFile, *, stopping: Callable[[], bool] = lambda: False) -> None:
    """Posts the approved file, or reverses it, and records how that ended.

    Returns early between two pieces once `stopping` is true. Raises Busy and the database's errors:
    the file is then where it was, and can be worked on again.
    """
    work = _post if file.status == FileStatus.APPROVED else _reverse
    try:
        work(file, stopping)
    except (Busy, DatabaseError, _Overtaken):
        raise
    except BankError as error:
        _end(file, _where(file, error))
    except Exception as error:
        logger.exception("The file %s failed", file.pk)
        _end(file, f"{type(error).__name__}: {error}")


def _post(file: DeskFile, stopping: Callable[[], bool]) -> None:
    pieces = post_file(
        movements_of(file),
        _Recorder(file),
        poster_of(file),
        size=file.piece,
        atomic=file.atomic,
        key=key_of(file),
    )
    for _ in pieces:
        if stopping() and file.done < file.rows:
            return
    _end(file, "")


def _reverse(file: DeskFile, _stopping: Callable[[], bool]) -> None:
    reverse_file(file)
    failpoint("desk.reversed")
    now = clock.now()
    _move(file, FileStatus.REVERSED, reversed_at=now)


class _Recorder:
    """Counts the outcomes of committed pieces in the row of the file."""

    def __init__(self, file: DeskFile) -> None:
        self._file = file
        self.done = file.done

    def append(self, lines: Sequence[int], results: ItemResults) -> None:
        """Raises _Overtaken if another worker has recorded the piece."""
        file = self._file
        counts = Counter(map(self._outcome, results))
        values = {
            "done": file.done + len(lines),
            "completed": file.completed + counts[TransactionStatus.COMPLETED],
            "failed": file.failed + counts[TransactionStatus.FAILED],
            "replayed": file.replayed + counts[""],
        }
        known = sum(counts[each] for each in ("", "COMPLETED", "FAILED"))
        values["pending"] = file.pending + len(lines) - known
        mine = DeskFile.objects.filter(pk=file.pk, status=FileStatus.APPROVED, done=file.done)
        if not mine.update(**values):
            raise _Overtaken
        for name, value in values.items():
            setattr(file, name, value)
        self.done = file.done
        failpoint("desk.recorded")

    def _outcome(self, result: ItemResult) -> str:
        """The status of the file's own transaction; empty for one that was made before."""
        if isinstance(result, Replay):
            batch = result.as_transaction().batch
            key = batch.idempotency_key if batch else None
            if not (key or "").startswith(key_of(self._file)):
                return ""
        return status_of(result)


def _end(file: DeskFile, problem: str) -> None:
    """Ends the work. A file that could not be reversed is again what it was before."""
    status = FileStatus.POSTED if file.done == file.rows else FileStatus.STOPPED
    ended: dict[str, datetime] = {}
    if file.status == FileStatus.APPROVED:
        ended["posted_at"] = clock.now()
    _move(file, status, problem=" ".join(problem.split())[:_LONGEST_PROBLEM], **ended)


def _move(file: DeskFile, status: FileStatus, **values: Any) -> None:
    DeskFile.objects.filter(pk=file.pk, status=file.status).update(status=status, **values)
    logger.info("The file %s is %s", file.pk, status.label.lower())


def _where(file: DeskFile, error: BankError) -> str:
    """The error, with the line of its movement."""
    sentence = error.errors[0].detail if error.errors else error.in_words
    index = error.index
    if error.errors and (found := error.errors[0].pointer.split("/"))[1:2] == ["transactions"]:
        index = int(found[2])
    if file.status == FileStatus.REVERSING:
        return error.detail
    if index is None:
        return sentence
    return f"Line {movements_of(file).line(file.done + index)}: {sentence}"
