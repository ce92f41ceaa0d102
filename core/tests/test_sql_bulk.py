"""Statements of constant text store and return rows of any content unchanged."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from core.sql.bulk import BulkInsert, BulkUpdate

pytestmark = pytest.mark.django_db

COLUMNS = {"note": "text", "count": "integer", "at": "timestamptz", "held": "boolean"}
NOTES = [
    "", "NULL", "null", " ", '"', "\\", '\\"', "{}", "{a,b}", ",", "'", "a\nb\tc", "%s", "\x7f",
    "naïve £ 🏦", None,
]  # fmt: skip
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MOMENTS = [NOON, NOON.astimezone(timezone(timedelta(hours=5))), NOON + timedelta.resolution, None]


@pytest.fixture
def table() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE bulk_probe (id {} PRIMARY KEY, note text, count integer,"
            " at {}, held boolean)".format(
                *(
                    ("char(32)", "text")
                    if connection.vendor == "sqlite"
                    else ("uuid", "timestamptz")
                )
            )
        )
        yield "bulk_probe"
        cursor.execute("DROP TABLE bulk_probe")


def stored(table: str) -> dict[UUID, tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, note, count, at, held FROM {table}")
        rows = cursor.fetchall()
    if connection.vendor == "sqlite":
        return {
            UUID(pk): (note, count, at and datetime.fromisoformat(f"{at}+00:00"), held)
            for pk, note, count, at, held in rows
        }
    return {pk: tuple(values) for pk, *values in rows}


def test_each_row_is_changed_to_values_of_its_own(table: str) -> None:
    ids = [uuid4() for _ in range(len(NOTES) * len(MOMENTS))]
    BulkInsert(table, {"id": "uuid"})([(pk,) for pk in ids])
    assert set(stored(table).values()) == {(None, None, None, None)}
    values = [
        (note, None if at is None else index, at, index % 2 == 0)
        for index, (note, at) in enumerate((note, at) for note in NOTES for at in MOMENTS)
    ]
    BulkUpdate(table, COLUMNS)([(*row, pk) for row, pk in zip(values, ids, strict=True)])
    assert stored(table) == dict(zip(ids, values, strict=True))


def test_an_id_may_be_missing(table: str) -> None:
    with connection.cursor() as cursor:
        kind = "char(32)" if connection.vendor == "sqlite" else "uuid"
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN owner {kind}")
    one, other, owner = uuid4(), uuid4(), uuid4()
    BulkInsert(table, {"id": "uuid"})([(one,), (other,)])
    BulkUpdate(table, {"owner": "uuid"})([(owner, one), (None, other)])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, owner FROM {table}")
        found = {UUID(str(pk)): of and UUID(str(of)) for pk, of in cursor.fetchall()}
    assert found == {one: owner, other: None}


def test_all_rows_of_an_update_must_exist(table: str) -> None:
    known = uuid4()
    BulkInsert(table, {"id": "uuid"})([(known,)])
    with pytest.raises(AssertionError):
        BulkUpdate(table, {"count": "integer"})([(1, known), (2, uuid4())])
