"""Archive runs: each transaction is in the file exactly once, whatever crashes.

A run works in batches. It appends the lines of a batch to the file and syncs them to disk. Then one
database transaction marks the rows and records their place in the file: the segment. That commit
archives them. Bytes after the last recorded segment do not count, and the next run cuts them off.

No account is locked. A row is locked while its batch is marked, which blocks only a retry or a
reversal of that transaction.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.db import DatabaseError, connection, transaction

from core import clock
from core.commands import Origin
from core.contention import retrying
from core.errors import Busy
from core.failpoints import failpoint
from core.files import FileProblem
from core.identifiers import uuid7
from transactions.archive.file import ArchiveFile, archive_path, last_segments, opened
from transactions.archive.lines import ArchiveLine, read_lines
from transactions.archive.locks import archive_lock
from transactions.archive.marks import mark_archived
from transactions.archive.problems import ArchiveProblem
from transactions.archive.segments import COUNTED, record_segment
from transactions.archive.selection import Position, Selection
from transactions.models import ArchiveRun, ArchiveSegment
from transactions.states import TransactionStatus

BATCH_SIZE = 5000
# SQLite has one writer: marking this many rows blocks every money command for some 50 ms.
_LARGEST_BATCH_ON_SQLITE = 1000
_ATTEMPTS = 5
_SETTLED = {status.encode() for status in (TransactionStatus.COMPLETED, TransactionStatus.FAILED)}
INTERRUPTED = "The process ended before the run did."
STOPPED = "The run was stopped before it finished."


@dataclass(slots=True)
class ArchiveOutcome:
    """The run, the earlier runs that it found interrupted, and the number of bytes it cut off.

    `kept` is a copy of the bytes cut off, made if no interrupted run accounts for them.
    """

    run: ArchiveRun
    interrupted: list[ArchiveRun] = field(default_factory=list)
    cut_bytes: int = 0
    kept: Path | None = None


def archive(
    selection: Selection,
    *,
    origin: Origin,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[int], None] = lambda _rows: None,
    stopping: Callable[[], bool] = lambda: False,
) -> ArchiveOutcome:
    """Archives the selected transactions.

    Calls `progress` with the number of rows of each archived batch, and `stopping` before each
    batch. Raises FileBusy while another run goes on, and FileProblem for any other obstacle.
    Batches archived by then stay archived, and everything else is unchanged.
    """
    path = archive_path()
    if connection.vendor == "sqlite":
        batch_size = min(batch_size, _LARGEST_BATCH_ON_SQLITE)
    with archive_lock(path):
        last, digest_before = last_segments()
        with opened(path, last) as file:
            file.require(last, digest_before)
            outcome = _begin(selection, origin, file, last)
            _Work(selection, file, outcome.run, last, batch_size, progress, stopping).run()
    return outcome


def _begin(
    selection: Selection, origin: Origin, file: ArchiveFile, last: ArchiveSegment
) -> ArchiveOutcome:
    """Cleans up after earlier runs, and records the new one."""
    interrupted = list(ArchiveRun.objects.filter(finished_at__isnull=True).order_by("id"))
    cut_bytes, kept = file.tail(), None
    if cut_bytes and not interrupted:
        if not last.number:
            raise ArchiveProblem(
                f"{file.path} holds lines, and no run is recorded: is it another bank's?"
            )
        kept = file.keep_tail()
    if cut_bytes:
        file.cut()
    # Not earlier: an unclosed run accounts for a tail.
    for run in interrupted:
        _close(run, INTERRUPTED)
    now = clock.now()
    run = ArchiveRun.objects.create(
        id=uuid7(now),
        actor_id=origin.user_id,
        caller=origin.caller,
        bounds=selection.bounds(),
        digest=last.digest,
        file_start=last.file_end,
        file_end=last.file_end,
        started_at=now,
    )
    failpoint("archive.began")
    return ArchiveOutcome(run, interrupted, cut_bytes, kept)


def _close(run: ArchiveRun, problem: str) -> None:
    run.finished_at, run.problem = clock.now(), problem[:500]
    run.save(update_fields=["finished_at", "problem"])


@dataclass(slots=True)
class _Work:
    """A run in progress. `last` is the last recorded segment, of this or an earlier run."""

    selection: Selection
    file: ArchiveFile
    record: ArchiveRun
    last: ArchiveSegment
    batch_size: int
    progress: Callable[[int], None]
    stopping: Callable[[], bool]

    def run(self) -> None:
        try:
            problem = self._take_all()
        except (FileProblem, Busy) as error:
            self._abandon(str(error))
            raise ArchiveProblem(str(error)) from error
        except (DatabaseError, KeyboardInterrupt) as error:
            # The last commit may or may not have happened, so nothing is cut. The lost database
            # session holds the lock until that is settled, and only then can the next run get the
            # lock.
            raise ArchiveProblem(_message(error)) from error
        _close(self.record, problem)

    def _take_all(self) -> str:
        """Archives batch by batch. Returns how the run ended, for its record."""
        position = Position()
        while not self.stopping():
            ids, position = self.selection.next_ids(position, self.batch_size)
            if not ids:
                return ""
            self._take(ids)
            self.progress(len(ids))
        return STOPPED

    def _take(self, ids: Sequence[str]) -> None:
        """Archives the rows of a batch that have not changed since they were selected."""
        for _ in range(_ATTEMPTS):
            found = read_lines(connection, ids)
            lines = [line for one in ids if _may_go(line := found[one.encode()])]
            if not lines:
                return
            data = b"".join([line.data for line in lines])
            self.file.append(data)
            if segment := retrying(partial(self._record, lines, data)):
                self.last, self.file.end = segment, segment.file_end
                failpoint("archive.committed")
                return
            # A failed transaction was retried meanwhile.
            self.file.cut()
        raise ArchiveProblem("Failed transactions are being retried all the time. Try again.")

    def _record(self, lines: Sequence[ArchiveLine], data: bytes) -> ArchiveSegment | None:
        """Marks rows and records a segment in one database transaction. None: nothing was done."""
        run = ArchiveRun.objects.select_for_update(no_key=True).get(pk=self.record.pk)
        if run.finished_at is not None:
            raise ArchiveProblem("Another archive run has taken this one for dead.")
        at = _later(self.last.recorded_at)
        if not mark_archived(lines, run_id=run.pk, at=at):
            transaction.set_rollback(True)
            return None
        failpoint("archive.marked")
        segment = record_segment(run, self.last, lines, data, at=at)
        run.save(update_fields=COUNTED)
        failpoint("archive.recorded")
        for name in COUNTED:
            setattr(self.record, name, getattr(run, name))
        return segment

    def _abandon(self, problem: str) -> None:
        """Closes the run after a rollback of its last batch. The next run cleans up the rest."""
        with suppress(DatabaseError, FileProblem):
            self.file.cut()
            _close(self.record, problem)


def _may_go(line: ArchiveLine) -> bool:
    return line.status in _SETTLED and not line.run_id


def _later(moment: datetime | None) -> datetime:
    """Now, or just after the last segment: a row's time identifies its segment."""
    now = clock.now()
    return now if moment is None else max(now, moment + timedelta(microseconds=1))


def _message(error: BaseException) -> str:
    return STOPPED if isinstance(error, KeyboardInterrupt) else f"The database failed: {error}"
