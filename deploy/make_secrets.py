"""Generates the secrets of a compose bank on its first start, and keeps them in a volume.

    python deploy/make_secrets.py FOLDER

FOLDER has four folders, each a volume. `kept` has all secrets and is mounted nowhere else. `db`,
`owner` and `app` get the secrets for the database, for `migrate` and for all other processes.
Environment variables override generated secrets. BANK_DATABASE_HOSTS names the servers, by default
the one of compose. Production does not accept generated secrets: it
exits with code 1, and names the variables to set. Running it again changes no secret.
"""

import os
import secrets
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.core.exceptions import ImproperlyConfigured

from bankproject.production import is_production
from core.files import FileProblem, sync_folder

NAMES = ("DJANGO_SECRET_KEY", "POSTGRES_PASSWORD", "BANK_OWNER_PASSWORD", "BANK_APP_PASSWORD")
ENV = "env"


def distribute(folder: Path, environment: Mapping[str, str], *, production: bool) -> None:
    """Writes the files of all services. Raises ImproperlyConfigured, OSError, FileProblem."""
    given = {name: environment.get(name, "").strip() for name in NAMES}
    if production and (absent := [name for name in NAMES if not given[name]]):
        raise ImproperlyConfigured(
            f"Not fit for production: {', '.join(absent)} must be set in .env."
        )
    found = {name: given[name] or _kept(folder / "kept" / name.lower()) for name in NAMES}
    for name in NAMES[1:]:
        # PostgreSQL's image reads them as its own user. No other container has this volume.
        _write(folder / "db" / name.lower(), found[name], mode=0o444)
    # Of several servers the bank takes the one that writes.
    hosts = environment.get("BANK_DATABASE_HOSTS", "").strip() or "db:5432"
    for role in ("owner", "app"):
        password = quote(found[f"BANK_{role.upper()}_PASSWORD"], safe="")
        lines = {
            "DATABASE_URL": f"postgresql://bank_{role}:{password}@{hosts}/bank",
            "DJANGO_SECRET_KEY": found["DJANGO_SECRET_KEY"],
        }
        if role == "app" and "," in hosts:
            # Of the same servers a standby answers whole reads.
            lines["BANK_REPLICA_URL"] = lines["DATABASE_URL"]
        # Read as the bank's .env, where a value in single quotes is literal.
        text = "\n".join(f"{name}='{value}'" for name, value in lines.items())
        _write(folder / role / ENV, text, mode=0o400)


def _kept(path: Path) -> str:
    if not path.exists():
        _write(path, secrets.token_hex(32), mode=0o400)
    return path.read_text("ascii").strip()


def _write(path: Path, text: str, *, mode: int) -> None:
    """Writes the file atomically and durably: the database will be created with it."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    Path(name).replace(path)
    sync_folder(path.parent)


def main() -> int:
    folder = Path(sys.argv[1])
    try:
        distribute(folder, os.environ, production=is_production())
    except (ImproperlyConfigured, OSError, FileProblem) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
