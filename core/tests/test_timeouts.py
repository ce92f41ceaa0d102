"""PostgreSQL's time-outs, as the connection itself reports them."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from core import timeouts
from tests.api import API, anonymous
from transactions.archive.locks import archive_lock

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

IN_FORCE = {
    "lock_timeout": "2s",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
    "client_connection_check_interval": "5s",
}


@pytest.fixture(autouse=True)
def _another_connection() -> Iterator[None]:
    connection.close()
    yield
    connection.close()


def said(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        value: str = cursor.fetchone()[0]
    return value


def test_a_new_connection_has_all_of_them_and_utc() -> None:
    assert {name: said(name) for name in IN_FORCE} == IN_FORCE
    assert said("timezone") == "UTC"
    assert timeouts.problems(connection) == []


def test_they_outlive_a_transaction_that_is_rolled_back() -> None:
    with transaction.atomic():
        said("lock_timeout")
        transaction.set_rollback(True)
    assert {name: said(name) for name in IN_FORCE} == IN_FORCE


@pytest.mark.parametrize("error", [None, ValueError])
def test_timeouts_are_restored_after_long_work(
    error: type[Exception] | None,
) -> None:
    with (
        pytest.raises(error) if error else nullcontext(),
        timeouts.switched_off(connection, "statement_timeout", "lock_timeout"),
    ):
        assert (said("statement_timeout"), said("lock_timeout")) == ("0", "0")
        if error:
            raise error
    assert {name: said(name) for name in IN_FORCE} == IN_FORCE


def test_archive_runs_and_migrations_leave_them_in_force(tmp_path: Path) -> None:
    with archive_lock(tmp_path / "archive.jsonl"):
        assert said("statement_timeout") == "0"
    call_command("migrate", verbosity=0)
    assert {name: said(name) for name in IN_FORCE} == IN_FORCE


def test_they_follow_the_settings(settings: Any) -> None:
    settings.DATABASE_TIMEOUT_SECONDS = {**settings.DATABASE_TIMEOUT_SECONDS, "lock_timeout": 7}
    assert said("lock_timeout") == "7s"


@pytest.mark.parametrize("name", IN_FORCE)
def test_a_disabled_timeout_is_reported(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = 0")
    (message,) = timeouts.check_timeouts(databases=["default"])
    assert (message.id, message.msg) == ("bank.E004", f"Time-outs are off: {name}.")
    assert message.hint == f"ALTER ROLE CURRENT_USER SET {name} = '{IN_FORCE[name]}';"
    response = anonymous().get(f"{API}health/ready/")
    assert response.status_code == 503
    assert response.json()["checks"]["timeouts"] == f"not in force: {name}"
    timeouts.warn()
    assert f"Time-outs are off: {name}." in caplog.text


def test_one_that_is_longer_is_a_warning() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '1min'")
    (message,) = timeouts.check_timeouts(databases=["default"])
    assert message.id == "bank.W002"
    assert message.msg == "Time-outs are longer than set: statement_timeout."
    assert timeouts.not_in_force(connection) == []


def test_a_connection_that_could_not_be_given_them_is_not_kept(settings: Any) -> None:
    settings.DATABASE_TIMEOUT_SECONDS = {"no_such_timeout": 1}
    with pytest.raises(Exception, match="no_such_timeout"):
        connection.ensure_connection()
    assert connection.connection is None
