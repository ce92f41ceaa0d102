"""A long past, with all that the bank makes of it, and what it takes on the disk."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, connections

from benchmarks.jobs import past
from benchmarks.jobs.preparation import analyze
from benchmarks.target import People, Target
from core import clock
from core.table_health import problems
from seals import keys
from seals.sealing import seal
from transactions.statistics.spans import Calendar
from transactions.statistics.summaries import make_summaries

# Each seal has a range of each account that has moved, so fewer seals are made sooner.
_SEALED_EVERY = timedelta(days=28)
_SIZES = """
    SELECT relation.relname, owner.relname, pg_relation_size(relation.oid),
        greatest(owner.reltuples, 0)::bigint
    FROM pg_class AS relation
    LEFT JOIN pg_index AS index ON index.indexrelid = relation.oid
    JOIN pg_class AS owner ON owner.oid = coalesce(index.indrelid, relation.oid)
    WHERE relation.relkind IN ('r', 'i') AND relation.relnamespace = 'public'::regnamespace
    ORDER BY owner.relname, relation.relkind DESC, 3 DESC, 1"""


def grow(
    database_url: str, people: People, count: int, over: timedelta
) -> tuple[datetime, datetime] | None:
    """As `past.store`, up to the last midnight, with the seals and summaries of this time.

    The first deposits are moved to its beginning; the accounts keep the moment of their opening,
    which their ids carry.
    """
    if not count:
        return None
    calendar = Calendar()
    end = calendar.start_of(calendar.day_of(clock.now()))
    first, parts = end - over, min(count, over // _SEALED_EVERY)
    past.deposit_at(first)
    keys.make_key(keys.key_path())
    for part in range(parts):
        stored = count * (part + 1) // parts - count * part // parts
        until = first + over * (part + 1) / parts
        past.store_part(database_url, people, stored, over / parts, until=until)
        if part == 0:
            analyze()
        seal()
    make_summaries()
    analyze()
    connections.close_all()
    return first, end


def sizes(_: Target) -> list[dict[str, Any]]:
    """Bytes of each table and index, with the rows of its table; the largest first."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES)
        return [
            {"name": name, "table": table, "bytes": size, "rows": rows}
            for name, table, size, rows in cursor.fetchall()
        ]


def warnings(_: Target) -> list[str]:
    """What `manage.py check --database default` says of the upkeep of this bank."""
    return [f"{message.id}: {message.msg}" for message in problems(connection)]
