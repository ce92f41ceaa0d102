"""A bank on several servers: it finds the primary, and is answered when a standby has it too."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import ConnectionHandler
from django.db.backends.base.base import BaseDatabaseWrapper

from bankproject import postgresql
from tests.concurrency.crowd import Thread
from tests.crash.processes import eventually
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.standby import Standby, standby_of

# This module has its own servers, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite

_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
STATEMENT_TIMEOUT_SECONDS = 0.5


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[PostgresqlServer, Standby]]:
    with postgresql_server(fsync=False) as primary, standby_of(primary) as standby:
        for statement in (
            "CREATE TABLE kept (number integer)",
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ):
            asked(primary, statement)
        yield primary, standby


@pytest.fixture
def unblocked(django_db_blocker: Any) -> Iterator[None]:
    """The test has connections of its own, and no database of the suite."""
    with django_db_blocker.unblock():
        yield


def asked(server: PostgresqlServer, statement: str) -> Any:
    with psycopg.connect(server.url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def new_connection(*servers: PostgresqlServer) -> BaseDatabaseWrapper:
    user = servers[0].url.partition("@")[0]
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in servers)
    return ConnectionHandler({"default": postgresql.read(f"{user}@{hosts}/bank")})["default"]


def test_one_host_gets_no_wish_for_a_primary() -> None:
    """The driver's own words, in the URL, win."""
    one = postgresql.read("postgresql://bank@db/bank?connect_timeout=7")["OPTIONS"]
    assert "target_session_attrs" not in one
    assert (one["connect_timeout"], one["keepalives_idle"]) == (7, 3)


def test_a_commit_without_a_standby_is_not_answered(
    servers: tuple[PostgresqlServer, Standby], settings: Any, unblocked: None
) -> None:
    """Neither a transaction nor a new connection, which might read it. No time-out ends that."""
    primary, standby = servers
    settings.DATABASE_HAS_STANDBYS = True
    settings.DATABASE_TIMEOUT_SECONDS = {"statement_timeout": STATEMENT_TIMEOUT_SECONDS}
    opened = new_connection(standby, primary)
    with opened.cursor() as cursor:
        cursor.execute("SELECT inet_server_port()")
        assert cursor.fetchone() == (primary.port,)
    standby.stop()

    def insert() -> None:
        with opened.cursor() as cursor:
            cursor.execute("INSERT INTO kept VALUES (1)")

    opened.inc_thread_sharing()
    inserting = Thread(insert).start()
    eventually(lambda: asked(primary, _WAITING) == (1,))
    another = new_connection(primary, standby)
    another.inc_thread_sharing()
    connecting = Thread(another.ensure_connection).start()
    eventually(lambda: asked(primary, _WAITING) == (2,))
    time.sleep(2 * STATEMENT_TIMEOUT_SECONDS)
    assert inserting.is_alive()
    assert connecting.is_alive()
    assert asked(primary, "SELECT count(*) FROM kept") == (0,)
    standby.start()
    inserting.result()
    connecting.result()
    opened.close()
    another.close()
    assert asked(primary, "SELECT count(*) FROM kept") == (1,)
