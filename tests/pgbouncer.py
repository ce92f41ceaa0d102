"""A PgBouncer in front of a test's PostgreSQL server, on loopback, as an unprivileged user."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg

from tests.http import free_port
from tests.postgresql import PostgresqlServer
from tests.unprivileged import private_folder, unprivileged_account

START_SECONDS = 30

_CONFIGURATION = """
[databases]
bank = host=127.0.0.1 port={server_port} dbname=bank
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {folder}/users
pool_mode = {mode}
logfile = {folder}/log
"""


def program() -> str | None:
    """The path of the program, or None. Debian installs it outside of the users' PATH."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def pgbouncer(server: PostgresqlServer, mode: str) -> Iterator[str]:
    """Gives the URL of the pooled database. Uses the shortest working configuration."""
    command, account = program(), unprivileged_account()
    assert command
    url = urlsplit(server.url)
    with private_folder("bank-pgbouncer-", account) as folder:
        port = free_port()
        (folder / "users").write_text(f'"{url.username}" "{url.password}"\n')
        (folder / "ini").write_text(
            _CONFIGURATION.format(server_port=url.port, port=port, folder=folder, mode=mode)
        )
        for name in ("users", "ini"):
            (folder / name).chmod(0o644)  # The folder lets nobody else in.
        process = subprocess.Popen(
            [command, "-q", folder / "ini"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **account,  # type: ignore[call-overload]
        )
        pooled = url._replace(netloc=f"{url.username}:{url.password}@127.0.0.1:{port}").geturl()
        try:
            _wait_for(pooled)
            yield pooled
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
