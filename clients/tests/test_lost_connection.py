"""If the connection of the previous request is lost, a request reads its token on a new one."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import OperationalError, connection

from clients.tests.program import Program
from core.sql.cursors import read_first
from tests.scratch import plain_parameters

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no connection to lose."),
]


@pytest.fixture(autouse=True)
def _as_in_a_later_request() -> Iterator[None]:
    connection.health_check_enabled = True
    yield
    connection.close()


def backend() -> int:
    assert connection.connection is not None
    pid: int = connection.connection.info.backend_pid
    return pid


def end(pid: int) -> None:
    """Ends a session from another connection, as a restart of the server does."""
    with psycopg.connect(**plain_parameters()) as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])


def test_a_request_after_the_connection_was_lost_is_answered() -> None:
    program = Program()
    token, before = program.token(), backend()
    end(before)
    connection.health_check_done = False
    assert program.get(token).status_code == 200
    assert backend() != before


def test_the_token_is_all_that_is_asked_before_the_work() -> None:
    program = Program()
    token = program.token()
    connection.health_check_done = False
    before = backend()
    assert program.get(token).status_code == 200
    assert backend() == before
    assert connection.health_check_done


def test_a_connection_that_was_proved_is_not_replaced() -> None:
    """Its loss later in a request may be the loss of a write, which must not be repeated here."""
    connection.ensure_connection()
    connection.health_check_done = True
    end(backend())
    with pytest.raises(OperationalError):
        read_first("SELECT %s::int", [1])


def test_a_statement_that_fails_is_not_repeated() -> None:
    connection.ensure_connection()
    connection.health_check_done = False
    before = backend()
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '50ms'")
    connection.health_check_done = False
    with pytest.raises(OperationalError):
        read_first("SELECT pg_sleep(%s)", [5])
    assert backend() == before
