"""The private API used by `core.sql.django_internals` exists, and works."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from core.sql import django_internals
from core.sql.cursors import prepared_cursor, prepared_rows, read_first
from tests.scratch import plain_parameters

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="The driver of PostgreSQL."),
]


@pytest.fixture(autouse=True)
def _as_in_a_later_request() -> Iterator[None]:
    connection.ensure_connection()
    connection.health_check_enabled = True
    yield
    connection.close()


def prepared_statements() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        return {statement for (statement,) in cursor.fetchall()}


def end_the_session() -> None:
    """Ends this session from another connection, as a restart of the server does."""
    assert connection.connection is not None
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**plain_parameters()) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


@pytest.mark.parametrize("prepares", [True, False])
def test_a_statement_is_bound_by_the_server_and_prepared_if_asked(prepares: bool) -> None:
    connection.connection.prepare_threshold = 0
    with django_internals.server_cursor(prepares=prepares) as cursor:
        cursor.execute("SELECT %s::int + 41 AS sum", [1])
        assert cursor.fetchall() == [(42,)]
    assert ("SELECT $1::int + 41 AS sum" in prepared_statements()) is prepares


def test_results_come_in_binary() -> None:
    with prepared_cursor() as cursor:
        cursor.execute("SELECT '2026-11-23 12:00:00+00'::timestamptz", [])
        assert cursor.fetchone() == (datetime(2026, 11, 23, 12, tzinfo=UTC),)
        assert cursor.cursor.pgresult.fformat(0) == 1


def test_django_logs_the_statement_and_turns_errors_into_its_own() -> None:
    with CaptureQueriesContext(connection) as seen, prepared_cursor() as cursor:
        cursor.execute("SELECT %s::int AS logged", [1])
        with pytest.raises(DataError):
            cursor.execute("SELECT 1 / %s::int", [0])
    assert "AS logged" in seen.captured_queries[0]["sql"]


def test_a_cursor_of_a_lost_connection_is_one_of_a_new_connection() -> None:
    end_the_session()
    connection.health_check_done = False
    with prepared_cursor() as cursor:
        cursor.execute("SELECT 1", [])
        assert cursor.fetchone() == (1,)


SUM = "SELECT %s::int + %s::int AS kept, '2026-11-23 12:00:00+00'::timestamptz"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_kept_cursor_reads_again_each_time_after_anything_between() -> None:
    connection.connection.prepare_threshold = 0
    assert prepared_rows(SUM, [1, 2]) == [(3, NOON)]
    assert prepared_rows(SUM, [70_000, 1 << 30]) == [(70_000 + (1 << 30), NOON)]
    assert any("AS kept" in statement for statement in prepared_statements())
    with pytest.raises(DataError):
        prepared_rows(SUM, [1 << 30, 1 << 30])
    assert prepared_rows(SUM, [2, 2]) == [(4, NOON)]
    with pytest.raises(DataError), transaction.atomic():
        prepared_rows(SUM, [1 << 30, 1 << 30])  # The driver then forgets what it has prepared.
    assert prepared_rows("SELECT %s::int AS kept", [5]) == [(5,)]
    with CaptureQueriesContext(connection) as seen:
        assert prepared_rows(SUM, [3, 2]) == [(5, NOON)]
    assert ["AS kept" in query["sql"] for query in seen.captured_queries] == [True]


def test_a_kept_cursor_is_one_of_this_connection() -> None:
    assert prepared_rows(SUM, [1, 2]) == [(3, NOON)]
    end_the_session()
    connection.health_check_done = False
    assert prepared_rows(SUM, [2, 2]) == [(4, NOON)]
    connection.close()
    assert prepared_rows(SUM, [3, 2]) == [(5, NOON)]


def test_few_cursors_are_kept() -> None:
    for number in range(2 * django_internals._MOST_KEPT):
        assert prepared_rows(f"SELECT {number}, %s::int", [1]) == [(number, 1)]
        assert len(vars(connection.connection)["_kept_by_bank"]) <= django_internals._MOST_KEPT


def test_the_health_check_is_left_to_the_first_read() -> None:
    connection.health_check_done = False
    assert django_internals.is_unproven()
    before = connection.connection
    assert read_first("SELECT %s::int", [7]) == [(7,)]
    assert not django_internals.is_unproven()
    end_the_session()
    connection.close_if_health_check_failed()
    assert connection.connection is before, "Django checks no more in this request."
