"""Standbys as the bank sees them: a real one, a backup beside it, and a role without the right."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.monitoring.prometheus import eventually
from tests.operated import OperatedBank
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.standby import standby_of

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

READ = """
import json
import django; django.setup()
from bankproject.metrics.database import read
print(json.dumps({name: value for name, labels, value in read({})["values"] if not labels}))
"""
STANDBYS, LAG = "bank_database_standbys", "bank_database_replication_lag_seconds"


def read(bank: OperatedBank) -> dict[str, float]:
    variables = {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
    code, out, err = bank.run("-c", READ, **variables)
    assert code == 0, err
    found: dict[str, float] = json.loads(out)
    return found


@contextmanager
def backup(server: PostgresqlServer, folder: Path) -> Iterator[None]:
    """Receives the server's log, and applies it nowhere."""
    words = [server.bindir / "pg_receivewal", f"--dbname={server.url}", f"--directory={folder}"]
    with subprocess.Popen(words) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(60)


def receivers(server: PostgresqlServer) -> int:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    return int(row[0]) if row else 0


def test_a_backup_is_no_standby_and_an_unseen_lag_is_not_told_as_none(tmp_path: Path) -> None:
    with postgresql_server(fsync=False) as server:
        bank = OperatedBank(tmp_path, server)
        bank.migrate()
        with standby_of(server):
            eventually(lambda: receivers(server) == 1, "no standby")
            seen = read(bank)
            assert seen[STANDBYS] == 1
            assert LAG not in seen
            with psycopg.connect(server.url) as connection:
                connection.execute("GRANT pg_read_all_stats TO bank_app")
            with backup(server, tmp_path):
                eventually(lambda: receivers(server) == 2, "no backup")
                seen = read(bank)
                assert seen[STANDBYS] == 1
                assert 0 <= seen[LAG] < 60
        eventually(lambda: receivers(server) == 0, "somebody receives")
        seen = read(bank)
        assert seen[STANDBYS] == 0
        assert LAG not in seen
