"""`python -m tests`: the whole suite on SQLite and on real PostgreSQL servers, one after another.

    python -m tests                             all databases
    python -m tests --coverage                  the same, with the gate on coverage
    python -m tests --database sqlite -k name   one database; further words go to pytest

PostgreSQL is the server of DATABASE_URL, or else the oldest and the newest that this machine can
start. Slow tests run on the oldest, the database-heavy tests also on the newest, and tests without
a database, or with their own, only once. Coverage is measured in the first run only: tracing makes
a run half as long again. All runs take place, even after a failure. Ends with pytest's own summary
line, and after a failure with the failed runs.
"""

import argparse
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from tests.postgresql import postgresql_server
from tests.postgresql_installations import (
    Installation,
    NoPostgresqlFound,
    newest_installation,
    oldest_installation,
)

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (
    "core",
    "customers",
    "accounts",
    "transactions",
    "clients",
    "desk",
    "staff",
    "seals",
    "statements",
    "events",
    "analytics",
    "webhooks",
    "jobs",
    "bankproject",
    "legacy_import",
)
MINIMUM_COVERAGE_PERCENT = 95
WORKERS = 2
# Tests that a worker gets at a time. Without a bound one of them gets hundreds of slow ones next to
# each other, and the other one has nothing to do for the last quarter of the run.
CHUNK = 10
# The selection of each run. Concurrency and crash tests run on the oldest PostgreSQL, and on SQLite
# with `--database sqlite -m slow`. Quick tests that do not use the run's database are in the first
# run only. The newest PostgreSQL runs the tests that a newer server could change.
_CHOSEN: tuple[tuple[str, ...], ...] = (
    ("-m", "not slow or sqlite or browser"),
    ("-m", "not no_database"),
    ("-m", "not slow", "transactions/tests/guards/test_guards.py", "core/tests/test_database.py",
     "transactions/tests/ledger/test_ledger.py",
     "transactions/tests/queue/test_queue.py", "transactions/tests/files/test_export_data.py",
     "transactions/tests/verifier/test_verify_ledger.py", "tests/test_explain.py",
     "tests/test_differential.py", "tests/test_state_machine.py"),
)  # fmt: skip
STOP_TIMEOUT_SECONDS = 60
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it

# A database to run on, created for its run and removed afterwards; its value is the DATABASE_URL.
Database = Callable[[], AbstractContextManager[str]]


def main() -> int:
    """Returns pytest's exit code of the first failed run, else 0; all runs take place."""
    parser = argparse.ArgumentParser(prog="python -m tests", allow_abbrev=False)
    parser.add_argument(
        "--database",
        choices=("all", "sqlite", "postgresql", "postgresql-newest"),
        default="all",
    )
    parser.add_argument("--coverage", action="store_true")
    options, pytest_arguments = parser.parse_known_args()
    # A process started in a shell's background ignores Ctrl-C, and so would pytest.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    with _temporary_files():
        return _run(options.database, pytest_arguments, measures=options.coverage)


def _run(chosen_database: str, pytest_arguments: list[str], *, measures: bool) -> int:
    try:
        databases = _databases(chosen_database)
    except NoPostgresqlFound as error:
        print(error, file=sys.stderr)
        return 2
    is_whole = chosen_database == "all" and not pytest_arguments
    failed: dict[int, int] = {}  # Position of a run -> its exit code.
    for position, database in enumerate(databases, start=1):
        chosen = _CHOSEN[position - 1] if is_whole else ()
        coverage = _coverage_options() if measures and position == 1 else ()
        print(f"\nTest run {position} of {len(databases)}", *chosen, flush=True)
        with database() as url:
            code = _run_pytest(url, [*coverage, *chosen, *pytest_arguments])
        if code != 0:
            failed[position] = code
    if failed:
        print("Failed: test run", ", ".join(map(str, failed)), file=sys.stderr)
    return next(iter(failed.values()), 0)


@contextmanager
def _temporary_files() -> Iterator[None]:
    """All temporary files of the block are in memory, where there is plenty, and go at its end.

    Most tests write a database, and none needs the disk: those of a full one make their own.
    """
    if "TMPDIR" in os.environ or not _has_room(MEMORY):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="bank-", dir=MEMORY) as folder:
        # Tests of root work as other users too. As in /tmp, these reach only what is open to them.
        Path(folder).chmod(0o711)
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        yield


def _has_room(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    free = found.f_bavail * found.f_frsize
    return free >= 2**32 and not found.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK)


def _databases(choice: str) -> list[Database]:
    """The databases to run on. Raises NoPostgresqlFound: a run on SQLite alone proves little."""
    if choice == "sqlite":
        return [_sqlite]
    given_url = os.environ.get("DATABASE_URL", "")
    if choice == "postgresql-newest":
        return [_server(newest_installation())]
    if choice == "postgresql":
        return [_given(given_url) if given_url else _server(oldest_installation())]
    if given_url:
        return [_sqlite, _given(given_url)]
    installations = dict.fromkeys([oldest_installation(), newest_installation()])
    return [_sqlite, *map(_server, installations)]


def _sqlite() -> AbstractContextManager[str]:
    return nullcontext("")


def _given(url: str) -> Database:
    return lambda: nullcontext(url)


def _server(installation: Installation) -> Database:
    @contextmanager
    def server() -> Iterator[str]:
        # Tests need no protection from power failures; those that kill a server start their own.
        with postgresql_server(installation, fsync=False) as running:
            yield running.url

    return server


def _coverage_options() -> list[str]:
    """Options for the coverage report above pytest's summary, with its minimum."""
    sources = [f"--cov={package}" for package in PACKAGES]
    gate = f"--cov-fail-under={MINIMUM_COVERAGE_PERCENT}"
    return [*sources, "--cov-branch", "--cov-report=term-missing:skip-covered", gate]


def _run_pytest(url: str, arguments: list[str]) -> int:
    """Runs pytest on the database at `url` (empty: SQLite), away from the bank's own data."""
    with tempfile.TemporaryDirectory(prefix="bank-tests-") as data_dir:
        environment = os.environ | {
            "DATABASE_URL": url,
            "BANK_DATA_DIR": data_dir,
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
        }
        workers = (f"--numprocesses={WORKERS}", f"--maxschedchunk={CHUNK}")
        command = [sys.executable, "-m", "pytest", *workers, *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=environment)
        try:
            return process.wait()
        except BaseException:
            _interrupt(process)
            raise


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Stops pytest as Ctrl-C does: it ends its child processes and reports the results so far."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _end(signal_number: int, frame: object) -> None:
    raise SystemExit(128 + signal_number)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
