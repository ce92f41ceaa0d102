"""A real streaming standby of a test server, whose replay can be paused."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.postgresql import PostgresqlServer, ServerFailed
from tests.postgresql_installations import Installation


class Standby(PostgresqlServer):
    """A copy of `primary` in a folder beside it, which follows the primary's log."""

    def __init__(self, primary: PostgresqlServer) -> None:
        folder = primary.folder / "standby"
        folder.mkdir()
        if primary._account:
            shutil.chown(folder, primary._account["user"], primary._account["group"])
        installation = Installation(primary.version, primary.bindir)
        super().__init__(installation, folder, primary._account, False, {"hot_standby": "on"})
        self._password = primary._password
        self._primary = primary

    def initialise(self) -> None:
        answer = self._run(
            "pg_basebackup",
            f"--dbname={self._primary.url}",
            f"--pgdata={self.data_dir}",
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        )
        if answer.returncode:
            raise ServerFailed(f"pg_basebackup failed:\n{answer.stdout}")

    def pause(self) -> None:
        """Receives the log, and no longer applies it."""
        self._call("pg_wal_replay_pause()")

    def resume(self) -> None:
        self._call("pg_wal_replay_resume()")

    def _call(self, function: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"SELECT {function}")


@contextmanager
def standby_of(primary: PostgresqlServer) -> Iterator[Standby]:
    """Follows the primary until the end of the block. Raises ServerFailed."""
    standby = Standby(primary)
    standby.initialise()
    try:
        standby.start()
        yield standby
    finally:
        standby.end()
