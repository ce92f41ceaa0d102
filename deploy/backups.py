"""Backs up the bank, restores a backup into an empty place, and drills the two.

    python deploy/backups.py backup /srv/backups
    python deploy/backups.py restore /srv/backups/bank-20261123T020000Z.dump
    python deploy/backups.py drill /srv/backups --into postgresql://.../bank_drill

DATABASE_URL names the bank; without it, it is the SQLite file in BANK_DATA_DIR. PostgreSQL needs
its client programs, pg_dump and pg_restore, of the server's own major version. A restore and a
drill end with `check --database default` and `verify_ledger`; the exit code is 0 only if all went
well.
"""

import argparse
import hashlib
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import environ
import psycopg
from psycopg.conninfo import conninfo_to_dict

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from deploy import spare  # noqa: E402 - found by the path above
from deploy.spare import BackupFailed  # noqa: E402

SQLITE_NAME = "bank.sqlite3"
LOCK_WAIT = "60s"
# Of an unfinished backup, as of all unfinished files of the bank.
TEMPORARY_SUFFIX = ".unfinished"

# libpq reads the connection from these, so that no password is seen among the arguments.
_VARIABLES = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "passfile": "PGPASSFILE",
}


def backup(folder: Path, environment: Mapping[str, str]) -> Path:
    """Writes a backup to a new file in `folder`, named by the moment. Raises BackupFailed."""
    _require_folder(folder)
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = folder / f"bank-{moment}.{ending(environment)}"
    if path.exists():
        raise BackupFailed(f"{path} is there already.")
    write_backup(path, environment)
    return path


def ending(environment: Mapping[str, str]) -> str:
    """The ending of the name of a backup."""
    return "dump" if environment.get("DATABASE_URL") else "sqlite3"


def write_backup(
    path: Path, environment: Mapping[str, str], *, written: Callable[[], object] = lambda: None
) -> None:
    """Writes a consistent backup of the running bank to `path`, and its digest beside it.

    Readers and writers are not blocked. The file gets its name last, when it and its digest are
    complete and on disk; only its owner may read it. `written` is called before that. Raises
    BackupFailed.
    """
    folder, url = path.parent, environment.get("DATABASE_URL", "")
    descriptor, name = tempfile.mkstemp(
        prefix=f".{path.name}.", suffix=TEMPORARY_SUFFIX, dir=folder
    )
    os.close(descriptor)
    partial = Path(name)
    try:
        if url:
            # deploy/postgresql sets rights and owners where the backup is restored.
            options = ["--format=custom", "--no-owner", "--no-privileges"]
            _run_client("pg_dump", url, *options, f"--lock-wait-timeout={LOCK_WAIT}", f"-f{name}")
        else:
            _copy_sqlite(_sqlite_path(environment), partial)
        written()
        _sync(partial)
        digest = sidecar(path)
        digest.write_text(f"{_digest(partial)}  {path.name}\n", "ascii")
        _sync(digest)
        _sync(folder)
        partial.rename(path)
    finally:
        partial.unlink(missing_ok=True)
    _sync(folder)


def restore(path: Path, environment: Mapping[str, str]) -> None:
    """Restores a backup into an empty database, and checks it. Raises BackupFailed."""
    place(path, environment)
    check(environment)


def place(path: Path, environment: Mapping[str, str]) -> None:
    """Puts a backup into the place of the environment's bank, as a whole or not at all.

    Never overwrites a bank: a live one must be moved away first. Raises BackupFailed.
    """
    _check_digest(path)
    url = environment.get("DATABASE_URL", "")
    kind = _kind(path)
    if kind != ("PostgreSQL" if url else "SQLite"):
        wanted = "a PostgreSQL database" if url else "none, which means SQLite"
        raise BackupFailed(f"{path.name} is of {kind}, and DATABASE_URL names {wanted}.")
    if not url:
        _place_sqlite(path, _sqlite_path(environment))
        return
    _require_empty(url)
    options = ["--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"]
    database = conninfo_to_dict(url)["dbname"]
    _run_client("pg_restore", url, *options, f"--dbname={database}", str(path))


def check(environment: Mapping[str, str]) -> None:
    """Checks the bank's guards and every invariant of the ledger. Raises BackupFailed."""
    _manage(environment, "check", "--database", "default")
    _manage(environment, "verify_ledger")


def drill(folder: Path, into: str, environment: Mapping[str, str]) -> None:
    """Proves that a backup can be restored: makes one and restores it elsewhere.

    `into` is the URL of a PostgreSQL database, best on another server; SQLite needs none. It must
    be empty, or contain only the bank of the last drill, which is dropped. The restored bank stays
    until the next drill. Raises BackupFailed; for an unsuitable `into` before making a backup.
    """
    url = environment.get("DATABASE_URL", "")
    if bool(into) != bool(url):
        raise BackupFailed("A drill with PostgreSQL, and only that one, needs --into URL.")
    _require_folder(folder)
    if into:
        spare.empty(into, url)
    started = time.monotonic()
    path = backup(folder, environment)
    backed_up = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bank-drill-") as data_dir:
        key = environment.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(
            48
        )  # For this bank only.
        there = {"DATABASE_URL": into, "BANK_DATA_DIR": data_dir, "DJANGO_SECRET_KEY": key}
        restore(path, {**environment, **there})
    finished = time.monotonic()
    _say(
        f"Drill passed: {path.name}, {path.stat().st_size} bytes, backed up in"
        f" {backed_up - started:.1f} s, restored and verified in {finished - backed_up:.1f} s."
    )


def _run_client(program: str, url: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's programs on the database at `url`."""
    if shutil.which(program) is None:
        raise BackupFailed(f"{program} is not installed: it comes with PostgreSQL's client.")
    parameters = conninfo_to_dict(url)
    variables = {
        _VARIABLES[name]: str(parameters[name]) for name in _VARIABLES.keys() & parameters.keys()
    }
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = subprocess.run([program, *arguments], env=clean | variables, check=False)
    if done.returncode != 0:
        raise BackupFailed(f"{program} ended with {done.returncode}.")


def _require_folder(folder: Path) -> None:
    """A folder that is made here may be on another disk than the one that is not mounted."""
    if not folder.is_dir():
        raise BackupFailed(
            f"There is no folder {folder}. Mount its disk, or make it: install -d -m 700 {folder}"
        )


def _require_empty(url: str) -> None:
    with psycopg.connect(url) as connection:
        if count := spare.count_tables(connection):
            raise BackupFailed(f"The database has {count} tables. Restore into an empty one.")


def _sqlite_path(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("BANK_DATA_DIR") or ROOT / "data") / SQLITE_NAME


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's online backup in one step: with small steps, constant writes would restart it."""
    if not source.is_file():
        raise BackupFailed(f"There is no bank at {source}.")
    read_only = sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=60)
    copy = sqlite3.connect(target)
    try:
        read_only.backup(copy)
        # One file, whatever the bank's journal mode.
        copy.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite: {error}.") from error
    finally:
        copy.close()
        read_only.close()


def _place_sqlite(path: Path, target: Path) -> None:
    if target.exists():
        raise BackupFailed(f"{target} is there already. Move it away first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.restoring")
    shutil.copyfile(path, partial)
    partial.chmod(0o600)
    _sync(partial)
    # A link fails if the name has been taken meanwhile; a rename would replace the file.
    os.link(partial, target)
    partial.unlink()
    _sync(target.parent)


_FIRST_BYTES = {b"PGDMP": "PostgreSQL", b"SQLite format 3\0": "SQLite"}


def _kind(path: Path) -> str:
    """The kind of database that wrote this file, whatever its name. Raises BackupFailed."""
    with path.open("rb") as file:
        head = file.read(16)
    for first, kind in _FIRST_BYTES.items():
        if head.startswith(first):
            return kind
    raise BackupFailed(f"{path.name} is no backup: neither of PostgreSQL's pg_dump nor of SQLite.")


def sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _check_digest(path: Path) -> None:
    if not path.is_file() or not sidecar(path).is_file():
        raise BackupFailed(f"{path} or its .sha256 is missing.")
    expected = sidecar(path).read_text("ascii").split()[0]
    if _digest(path) != expected:
        raise BackupFailed(f"{path} was changed or damaged: its SHA-256 differs.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """Syncs a file, or the names in a folder, to the disk before anybody relies on it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _manage(environment: Mapping[str, str], *words: str) -> None:
    command = [sys.executable, str(ROOT / "manage.py"), *words]
    done = subprocess.run(command, env=dict(environment), check=False)
    if done.returncode != 0:
        raise BackupFailed(f"manage.py {' '.join(words)} ended with {done.returncode}.")


def _require_settings() -> None:
    """Checks the settings: a misspelt BANK_DATA_DIR would back up another bank.

    Raises BackupFailed.
    """
    # The check must create neither a secret key nor a data folder.
    key = os.environ.get("DJANGO_SECRET_KEY") or secrets.token_urlsafe(48)
    folder = os.environ.get("BANK_DATA_DIR", "")
    if not Path(folder).exists():
        folder = ""
    command = [sys.executable, str(ROOT / "manage.py"), "check", "--tag", "security"]
    done = subprocess.run(
        command,
        env=os.environ | {"DJANGO_SECRET_KEY": key, "BANK_DATA_DIR": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BackupFailed(done.stderr)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    steps = parser.add_subparsers(dest="step", required=True)
    for step, text in (
        ("backup", "Writes a backup of the running bank, and its SHA-256, into a folder."),
        ("drill", "Makes a backup, restores it into a spare database, and verifies the ledger."),
    ):
        parser_of_step = steps.add_parser(step, help=text, description=text)
        parser_of_step.add_argument("folder", type=Path, help="a folder that is there")
    parser_of_step.add_argument(
        "--into",
        default="",
        metavar="URL",
        help="the spare PostgreSQL database, empty or of the last drill; on SQLite leave it out",
    )
    text = "Restores a backup into an empty database, or a data folder without a bank, and checks."
    restored = steps.add_parser("restore", help=text, description=text)
    restored.add_argument("file", type=Path, help="the backup, its .sha256 beside it")
    options = parser.parse_args()
    # As the bank does; otherwise another database would be backed up.
    if (ROOT / ".env").is_file():
        environ.Env.read_env(ROOT / ".env", overwrite=False)
    os.umask(0o077)
    try:
        _require_settings()
        if options.step == "backup":
            _say(str(backup(options.folder, os.environ)))
        elif options.step == "restore":
            restore(options.file, os.environ)
        else:
            drill(options.folder, options.into, os.environ)
    except (BackupFailed, OSError, psycopg.Error, sqlite3.Error) as error:
        sys.stderr.write(f"FAILED: {' '.join(str(error).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
