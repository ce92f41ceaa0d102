"""A replica of the run's own database, for tests of reads on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections

from bankproject import postgresql
from core import replica
from core.stand_in import REPLICA
from tests.crash.processes import eventually
from tests.standby import Standby, standby_of_run

# Other tests write at the same time on the same server: a wait is long, and never in vain.
PATIENCE_SECONDS = 60


def url_of_run() -> str:
    """The address of the database of this test, as its owner."""
    parts = connection.get_connection_params()
    password, port = parts.get("password", ""), parts.get("port") or 5432
    return f"postgresql://{parts['user']}:{password}@{parts['host']}:{port}/{parts['dbname']}"


@contextmanager
def following_standby() -> Iterator[Standby]:
    """A standby of the run's server. The caller needs the test's database."""
    with psycopg.connect(url_of_run()) as primary:
        version = primary.info.server_version
    with standby_of_run(url_of_run(), (version // 10_000, version % 10_000)) as standby:
        yield standby


@contextmanager
def replica_on(standby: Standby, settings: Any, monkeypatch: Any) -> Iterator[None]:
    """BANK_REPLICA_URL names the standby, in this thread, which has replayed all there is."""
    monkeypatch.setattr(replica, "REQUEST_SECONDS", PATIENCE_SECONDS)
    settings.HAS_REPLICA, settings.REPLICA_MAX_LAG_SECONDS = True, PATIENCE_SECONDS
    reader = connection.copy(alias=REPLICA)
    name = connection.settings_dict["NAME"]
    found = postgresql.read_replica(standby.url, connection.settings_dict)
    reader.settings_dict = {**connection.settings_dict, **found, "NAME": name}
    connections[REPLICA] = reader
    replica.forget()
    caught_up(standby)
    try:
        yield
    finally:
        reader.close()
        del connections[REPLICA]
        replica.forget()


def caught_up(standby: Standby) -> None:
    """Returns when the standby has all that was committed before the call."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_flush_lsn()::text")
        (position,) = cursor.fetchone()

    def has_all() -> bool:
        with psycopg.connect(standby.url, autocommit=True) as asked:
            row = asked.execute(
                "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", [position]
            ).fetchone()
        return bool(row and row[0])

    eventually(has_all)
