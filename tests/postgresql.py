"""Real, temporary PostgreSQL servers for tests, crash tests and benchmarks.

    with postgresql_server(oldest_installation()) as server:
        psycopg.connect(server.url)

They need no rights. PostgreSQL refuses to run as root, so root starts it as another user.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg

from tests.http import free_port
from tests.postgresql_installations import Installation, oldest_installation
from tests.unprivileged import Account, private_folder, runnable_copy, unprivileged_account

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 60
MAX_CONNECTIONS = 200

_STOP_SIGNALS = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


class ServerFailed(Exception):
    """A PostgreSQL program ended with an error or did not answer in time."""


@contextmanager
def postgresql_server(
    installation: Installation | None = None,
    *,
    fsync: bool = True,
    settings: Mapping[str, str] | None = None,
) -> Iterator["PostgresqlServer"]:
    """Runs a new, empty server, and removes it with all its files at the end.

    `fsync=False` is faster, and safe against kill -9 but not against a power failure. `settings`
    are further server settings. Raises NoPostgresqlFound and ServerFailed.
    """
    account = unprivileged_account()
    with private_folder("bank-postgresql-", account) as folder:
        server = PostgresqlServer(
            installation or oldest_installation(), folder, account, fsync, settings or {}
        )
        server.initialise()
        try:
            server.start()
            server.create_database()
            yield server
        finally:
            server.end()


class PostgresqlServer:
    """A server on a free port of 127.0.0.1, with the database and superuser `bank`.

    UTF-8, 200 connections, passwords required. Its socket and log are in `folder`.
    """

    def __init__(
        self,
        installation: Installation,
        folder: Path,
        account: Account,
        fsync: bool,
        settings: Mapping[str, str],
        *,
        port: int = 0,
    ) -> None:
        self.version = installation.version
        self.bindir = runnable_copy(installation.bindir, folder, account)
        self.folder = folder
        self.data_dir = folder / "data"
        self.log_path = folder / "log"
        self.port = port or free_port()
        self._account = account
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "max_connections": str(MAX_CONNECTIONS),
            "fsync": "on" if fsync else "off",
            "full_page_writes": "on" if fsync else "off",
        } | dict(settings)

    @property
    def pid(self) -> int:
        """The first process of the running server, from which all its others descend."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """The URL for DATABASE_URL, psycopg, psql and pgbench alike."""
        return self._url("bank")

    def _url(self, database: str) -> str:
        return f"postgresql://bank:{self._password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Creates the data folder. C.UTF-8 sorts by code point on every system that has it."""
        password_file = self.folder / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o644)  # The folder lets nobody else in.
        for locale in ("C.UTF-8", "C"):
            answer = self._run(
                "initdb",
                f"--pgdata={self.data_dir}",
                "--username=bank",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                f"--locale={locale}",
                "--no-sync",
            )
            if answer.returncode == 0:
                return
        raise ServerFailed(f"initdb failed:\n{answer.stdout}")

    def create_database(self) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE bank")

    def start(self) -> None:
        """Starts the server, also after a crash, and returns when it accepts connections.

        Raises ServerFailed with the end of the log.
        """
        options = [word for item in self._settings.items() for word in ("-c", "=".join(item))]
        with self.log_path.open("ab") as log:
            # A session of its own, so Ctrl-C reaches only the tests, which then stop the server.
            self._process = subprocess.Popen(
                [self.bindir / "postgres", "-D", self.data_dir, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._process_options(),
            )
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(f"postgres did not start:\n{self.log_path.read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self, mode: str = "fast") -> None:
        """Stops as `pg_ctl stop --mode` does: smart, fast or immediate."""
        if self.is_running():
            assert self._process is not None
            self._process.send_signal(_STOP_SIGNALS[mode])
            self._process.wait(STOP_TIMEOUT_SECONDS)

    def kill9(self) -> None:
        """Kills the server and all its backends at once with SIGKILL, as a crash would."""
        assert self._process is not None
        # Stopped, it cannot fork another backend between the count and the kill.
        self._process.send_signal(signal.SIGSTOP)
        backends = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for backend in backends:
            backend.kill()
        self._process.wait(STOP_TIMEOUT_SECONDS)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while any(_is_alive(backend) for backend in backends):
            if time.monotonic() > deadline:
                raise ServerFailed("Backends outlived SIGKILL.")
            time.sleep(0.01)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end(self) -> None:
        """Stops without a checkpoint. Starts a crashed server first, to release its memory."""
        crashed = not self.is_running() and (self.data_dir / "postmaster.pid").exists()
        if crashed:
            self.start()
        self.stop("immediate")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bindir / program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self._process_options(),
        )

    def _process_options(self) -> dict[str, object]:
        """The caller's PGDATA, PGPORT and the like must not reach the server's programs."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        return {"cwd": self.folder, "env": environment, **self._account}


def _is_alive(process: psutil.Process) -> bool:
    """A zombie counts as dead: in a container no parent may ever reap it."""
    try:
        status: str = process.status()
    except psutil.NoSuchProcess:
        return False
    return status != psutil.STATUS_ZOMBIE
