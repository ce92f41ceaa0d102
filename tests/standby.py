"""A real streaming standby of a test server, whose replay can be paused."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.postgresql import PostgresqlServer, ServerFailed
from tests.postgresql_installations import Installation, newest_installation, oldest_installation
from tests.unprivileged import Account, private_folder, unprivileged_account


class Standby(PostgresqlServer):
    """A copy of the server `primary_url` in `folder`, which follows that server's log."""

    def __init__(
        self,
        primary_url: str,
        installation: Installation,
        folder: Path,
        account: Account,
        port: int = 0,
    ) -> None:
        settings = {"hot_standby": "on"}
        super().__init__(installation, folder, account, False, settings, port=port)
        self._primary_url = primary_url

    def initialise(self) -> None:
        answer = self._run(
            "pg_basebackup",
            f"--dbname={self._primary_url}",
            f"--pgdata={self.data_dir}",
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        )
        if answer.returncode:
            raise ServerFailed(f"pg_basebackup failed:\n{answer.stdout}")

    def _url(self, database: str) -> str:
        """The roles and databases are those of the primary."""
        found = psycopg.conninfo.conninfo_to_dict(self._primary_url)
        return f"postgresql://{found['user']}:{found['password']}@127.0.0.1:{self.port}/{database}"

    def pause(self) -> None:
        """Receives the log, and no longer applies it from the moment that this returns."""
        self._call("pg_wal_replay_pause()")
        while self._call("pg_get_wal_replay_pause_state()") != "paused":
            time.sleep(0.01)

    def resume(self) -> None:
        self._call("pg_wal_replay_resume()")

    def _call(self, function: str) -> Any:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            (answer,) = connection.execute(f"SELECT {function}").fetchone() or (None,)
            return answer


@contextmanager
def standby_of(primary: PostgresqlServer, *, port: int = 0) -> Iterator[Standby]:
    """Follows the primary until the end of the block, on this port or a free one.

    Raises ServerFailed.
    """
    folder, account = primary.folder / "standby", primary._account
    folder.mkdir()
    if account:
        shutil.chown(folder, account["user"], account["group"])
    installation = Installation(primary.version, primary.bindir)
    with _following(Standby(primary.url, installation, folder, account, port)) as standby:
        yield standby


@contextmanager
def standby_of_run(url: str, version: tuple[int, int]) -> Iterator[Standby]:
    """Follows the server of the test run, of this version. Raises ServerFailed."""
    installations = (oldest_installation(), newest_installation())
    same = [one for one in installations if one.version[0] == version[0]]
    if not same:
        raise ServerFailed(f"This machine has no PostgreSQL {version[0]} for a standby.")
    account = unprivileged_account()
    with (
        private_folder("bank-standby-", account) as folder,
        _following(Standby(url, same[0], folder, account)) as standby,
    ):
        yield standby


@contextmanager
def _following(standby: Standby) -> Iterator[Standby]:
    standby.initialise()
    try:
        standby.start()
        yield standby
    finally:
        standby.end()
