"""Marks transactions as archived. No other code does."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.sql.bulk import array
from transactions.archive.lines import ArchiveLine

# Marks a row only if it is unchanged since its line was made. A row that was FAILED then may be
# COMPLETED by now, after a retry. So the first condition excludes the ids of failed lines.
_MARK_POSTGRESQL = """
    UPDATE transactions_transaction SET archived_at = %s, archive_run_id = %s
    WHERE id = ANY(%s::uuid[]) AND archived_at IS NULL
    AND ((status = 'COMPLETED' AND id <> ALL(%s::uuid[]))
        OR (status = 'FAILED' AND (id, retry_count) IN (
            SELECT * FROM unnest(%s::uuid[], %s::integer[]))))"""
_MARK_SQLITE = """
    UPDATE transactions_transaction SET archived_at = %s, archive_run_id = %s
    WHERE id = %s AND retry_count = %s AND status IN ('COMPLETED', 'FAILED')
    AND archived_at IS NULL"""


def mark_archived(lines: Sequence[ArchiveLine], *, run_id: UUID, at: datetime) -> bool:
    """Marks the rows. Returns whether all could be marked; if not, the caller must roll back.

    A row can be marked if it is settled, not archived, and unchanged since its line was made. A
    completed row never changes. A failed row may have been retried; its retry count then differs.
    """
    assert connection.in_atomic_block
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            failed = [line for line in lines if line.status == b"FAILED"]
            failed_ids = array([line.id.decode() for line in failed])
            cursor.execute(
                _MARK_POSTGRESQL,
                [
                    at,
                    run_id,
                    array([line.id.decode() for line in lines]),
                    failed_ids,
                    failed_ids,
                    array([line.retry_count.decode() for line in failed]),
                ],
            )
        else:
            moment = connection.ops.adapt_datetimefield_value(at)
            values = [
                (moment, run_id.hex, line.id.decode().replace("-", ""), int(line.retry_count))
                for line in lines
            ]
            cursor.executemany(_MARK_SQLITE, values)
        return bool(cursor.rowcount == len(lines))
