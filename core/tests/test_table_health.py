"""Warnings about PostgreSQL's upkeep, from tables that lack it."""

from collections.abc import Iterator

import pytest
from django.db import connection

from core import table_health

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _neglected() -> Iterator[None]:
    """A table of 1,000 rows that autovacuum leaves alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE neglected (one integer) WITH (autovacuum_enabled = false);"
            "INSERT INTO neglected SELECT generate_series(1, 1000)"
        )
        yield
        cursor.execute("DROP TABLE neglected")


def warnings() -> dict[str, str]:
    return {message.id or "": message.msg for message in table_health.problems(connection)}


def test_a_table_without_statistics_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "neglected" not in warnings().get("bank.W009", "")
    monkeypatch.setattr(table_health, "ANALYZED_BYTES", 8192)
    assert "neglected" in warnings()["bank.W009"]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE neglected")
    assert "neglected" not in warnings().get("bank.W009", "")


def test_a_table_full_of_dead_rows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM neglected WHERE one > 100")
        cursor.execute("SELECT pg_stat_force_next_flush()")  # Else this takes up to a second.
    # Other tests may have left many in the bank's tables.
    assert "neglected" not in warnings().get("bank.W008", "")
    monkeypatch.setattr(table_health, "DEAD_FLOOR", 500)
    assert "neglected (900)" in warnings()["bank.W008"]
    with connection.cursor() as cursor:
        cursor.execute("VACUUM neglected")
    assert "neglected" not in warnings().get("bank.W008", "")


def test_the_oldest_database_of_the_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stops the bank too, whichever it is: here all others are older than the bank's."""
    assert "bank.W007" not in warnings()
    monkeypatch.setattr(table_health, "OLD_TRANSACTIONS", 0)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (FREEZE)")
        cursor.execute("SELECT datname FROM pg_database WHERE datname <> current_database()")
        others = [name for (name,) in cursor.fetchall()]
    told = warnings()["bank.W007"]
    assert any(f"in database '{name}', is " in told for name in others), told
    assert "transactions old" in told
