"""Marks transactions as archived: the only code that does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from transactions.archive.lines import Line

# As they stand in their lines, or not at all.
_MARK_POSTGRESQL = """
    UPDATE transactions_transaction AS t SET archived_at = %s, archive_run_id = %s
    FROM unnest(%s::uuid[], %s::text[], %s::integer[]) AS chosen (id, status, retry_count)
    WHERE t.id = chosen.id AND t.status = chosen.status AND t.retry_count = chosen.retry_count
    AND t.archived_at IS NULL"""
_MARK_SQLITE = """
    UPDATE transactions_transaction SET archived_at = %s, archive_run_id = %s
    WHERE id = %s AND status = %s AND retry_count = %s AND archived_at IS NULL"""


def mark(lines: Sequence[Line], *, run_id: UUID, at: datetime) -> bool:
    """Whether all of them could be marked: settled, not archived, and as they stand in their lines.

    What is completed never changes; what failed may have been retried since its line was made. The
    caller rolls back where it was so.
    """
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns: list[Any] = [
                [line.id for line in lines],
                [line.status for line in lines],
                [line.retry_count for line in lines],
            ]
            cursor.execute(_MARK_POSTGRESQL, [at, run_id, *columns])
        else:
            moment = connection.ops.adapt_datetimefield_value(at)
            cursor.executemany(
                _MARK_SQLITE,
                [
                    (moment, run_id.hex, line.id.hex, line.status, line.retry_count)
                    for line in lines
                ],
            )
        return bool(cursor.rowcount == len(lines))
