"""A1, as far as the database alone shows it: the marks match the segments and runs.

`verify_archive`, which begins with these rules, proves the file.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from core.money import format_amount, from_units
from transactions.archive.lines import FORMAT, internal_account
from transactions.models import ArchiveSegment
from transactions.verifier.report import Collector, Place
from transactions.verifier.rules import Pass, Rule, stream
from transactions.verifier.sql import JOURNAL

_SEGMENTS = "transactions_archivesegment"
_RUNS = "transactions_archiverun"
_PAGE = 500

# Rows that one database transaction has marked together.
_MARKS = f"""(
    SELECT archive_run_id, archived_at, count(*) AS marked FROM {JOURNAL}
    WHERE archived_at IS NOT NULL GROUP BY archive_run_id, archived_at
)"""

_WHERE_SEGMENT = {"segment": "segment.number", "run_id": "segment.run_id"}

SEGMENTS = Pass(
    f"""(
        SELECT number, run_id, rows, file_start, file_end, recorded_at,
               lag(number, 1, 0) OVER in_order AS number_before,
               lag(file_end, 1, {len(FORMAT.header)}) OVER in_order AS end_before,
               lag(recorded_at) OVER in_order AS recorded_before
        FROM {_SEGMENTS} WINDOW in_order AS (ORDER BY number)
    ) AS segment
    LEFT JOIN {_MARKS} AS marks
        ON marks.archived_at = segment.recorded_at AND marks.archive_run_id = segment.run_id""",
    [
        Rule(
            code="A1.segment_missing",
            says="The segments of the archive are numbered 1..n without a gap.",
            broken="segment.number <> number_before + 1",
            where=_WHERE_SEGMENT,
            expected="number_before + 1",
            found="segment.number",
        ),
        Rule(
            code="A1.segment_not_connected",
            says="Each segment begins in the file where the one before it ends.",
            broken="segment.file_start <> end_before",
            where=_WHERE_SEGMENT,
            expected="end_before",
            found="segment.file_start",
        ),
        Rule(
            code="A1.segment_time",
            says="Each segment was recorded after the one before it.",
            broken="segment.recorded_at <= recorded_before",
            where=_WHERE_SEGMENT,
            expected="recorded_before",
            found="segment.recorded_at",
        ),
        Rule(
            code="A1.segment_rows",
            says="A segment has as many rows as transactions marked with it.",
            broken="segment.rows <> coalesce(marked, 0)",
            where=_WHERE_SEGMENT,
            expected="segment.rows",
            found="coalesce(marked, 0)",
        ),
    ],
)

MARKS = Pass(
    f"""{_MARKS} AS marks
    LEFT JOIN {_SEGMENTS} AS segment
        ON segment.recorded_at = marks.archived_at AND segment.run_id = marks.archive_run_id""",
    [
        Rule(
            code="A1.mark_without_segment",
            says="Each row marked as archived is part of a segment of its run.",
            broken="segment.number IS NULL",
            where={"run_id": "marks.archive_run_id", "archived_at": "marks.archived_at"},
            expected="'a segment'",
            found="marked || ' transactions without one'",
        )
    ],
)

_WHERE_RUN = {"run_id": "run.id"}

RUNS = Pass(
    f"""{_RUNS} AS run
    LEFT JOIN (
        SELECT run_id, sum(rows) AS rows, max(file_end) AS file_end, max(number) AS number
        FROM {_SEGMENTS} GROUP BY run_id
    ) AS total ON total.run_id = run.id
    LEFT JOIN {_SEGMENTS} AS last ON last.number = total.number""",
    [
        Rule(
            code="A1.run_rows",
            says="A run has the rows of its segments.",
            broken="run.rows <> coalesce(total.rows, 0)",
            where=_WHERE_RUN,
            expected="coalesce(total.rows, 0)",
            found="run.rows",
        ),
        Rule(
            code="A1.run_end",
            says="A run ends in the file where its last segment does.",
            broken="run.file_end <> coalesce(total.file_end, run.file_start)",
            where=_WHERE_RUN,
            expected="coalesce(total.file_end, run.file_start)",
            found="run.file_end",
        ),
        Rule(
            code="A1.run_digest",
            says="A run has the digest of its last segment.",
            broken="run.digest <> last.digest",
            where=_WHERE_RUN,
            expected="last.digest",
            found="run.digest",
        ),
    ],
)


# Marked rows by segment, currency, and the internal accounts that they posted to.
_TOTALS = f"""
    SELECT segment.number, t.currency, {internal_account("debit")}, {internal_account("credit")},
           sum(t.amount)
    FROM {JOURNAL} AS t
    JOIN {_SEGMENTS} AS segment ON segment.recorded_at = t.archived_at
    GROUP BY 1, 2, 3, 4 ORDER BY 1"""


def check(connection: BaseDatabaseWrapper, found: Collector) -> None:
    """Runs the rules. Memory does not grow with the archive."""
    for rules in (SEGMENTS, MARKS, RUNS):
        rules.run(connection, found)
    marked = groupby(stream(connection, _TOTALS), key=lambda row: int(row[0]))
    number, groups = next(marked, (0, iter(())))
    archived: Counter[str] = Counter()
    for segment in segments_of(connection):
        sums: Counter[str] = Counter()
        if number == segment.number:
            _add(groups, sums, archived)
            number, groups = next(marked, (0, iter(())))
        _compare(segment, sums, archived, found)


def segments_of(connection: BaseDatabaseWrapper) -> Iterator[ArchiveSegment]:
    """All segments in order, a bounded number of them in memory."""
    number = 0
    segments = ArchiveSegment.objects.using(connection.alias)
    while page := list(segments.filter(number__gt=number).order_by("number")[:_PAGE]):
        yield from page
        number = page[-1].number


def _add(groups: Iterator[tuple[Any, ...]], sums: Counter[str], archived: Counter[str]) -> None:
    for _, currency, debited, credited, units in groups:
        sums[currency] += int(units)
        if debited:
            archived[_shown_id(debited)] -= int(units)
        if credited:
            archived[_shown_id(credited)] += int(units)


def _compare(
    segment: ArchiveSegment, sums: Counter[str], archived: Counter[str], found: Collector
) -> None:
    where: dict[str, str | int] = {"segment": segment.number, "run_id": str(segment.run_id)}
    marked = {code: format_amount(from_units(units), code) for code, units in sorted(sums.items())}
    if marked != segment.sums:
        found.add(
            "A1.segment_sums",
            "The marked amounts add up to the sums of their segment.",
            Place(where, str(segment.sums), str(marked)),
        )
    totals = {account_id: format(from_units(units), "f") for account_id, units in archived.items()}
    if totals != segment.checkpoint:
        found.add(
            "A1.checkpoint",
            "A checkpoint has the sum of all archived postings of each internal account.",
            Place(where, str(totals), str(segment.checkpoint)),
        )


def _shown_id(value: Any) -> str:
    """The id as text; SQLite stores 32 hexadecimal digits."""
    return str(UUID(str(value)))
