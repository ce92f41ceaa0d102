"""The segments of the archive. No other code records one."""

from collections.abc import Sequence
from datetime import datetime

from transactions.archive.checkpoints import added, next_checkpoint, sums_of_lines
from transactions.archive.file import chained
from transactions.archive.lines import ArchiveLine
from transactions.models import ArchiveRun, ArchiveSegment

# The columns of a run that `record_segment` changes.
COUNTED = ("rows", "sums", "digest", "file_end")


def record_segment(
    run: ArchiveRun,
    last: ArchiveSegment,
    lines: Sequence[ArchiveLine],
    data: bytes,
    *,
    at: datetime,
) -> ArchiveSegment:
    """Records the segment after `last` and counts it in the run, which the caller saves.

    `data` are the bytes of the lines; `at` is the time of the mark of their rows.
    """
    sums = sums_of_lines(lines)
    segment = ArchiveSegment.objects.create(
        number=last.number + 1,
        run=run,
        rows=len(lines),
        sums=added({}, sums),
        checkpoint=next_checkpoint(last.checkpoint, lines),
        digest=chained(last.digest, data).hexdigest(),
        file_start=last.file_end,
        file_end=last.file_end + len(data),
        recorded_at=at,
    )
    run.rows += segment.rows
    run.sums = added(run.sums, sums)
    run.digest, run.file_end = segment.digest, segment.file_end
    return segment
