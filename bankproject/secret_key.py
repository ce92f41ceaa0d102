"""Generates a signing key and keeps it in a file."""

import os
import secrets
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from core.files import FileProblem, sync_folder

MINIMUM_CHARACTERS = 50
MINIMUM_DIFFERENT_CHARACTERS = 10

_LOST_KEY = (
    "The new key ends all sessions, and reads no authenticator of staff: put the old file back, or"
    " run `manage.py reset_authenticator` for each."
)


def is_weak(key: str) -> bool:
    """Whether the key is shorter than a key made by Django, or hardly random."""
    return len(key) < MINIMUM_CHARACTERS or len(set(key)) < MINIMUM_DIFFERENT_CHARACTERS


def kept_secret_key(path: Path) -> str:
    """The key in the file at `path`, which the first call creates with mode 0600.

    Processes that start at the same time agree on one key.

    Raises ImproperlyConfigured if the file has no key, or can be neither read nor created:
    processes with different keys would not accept each other's sessions.
    """
    try:
        if not path.exists():
            _create(path)
        key = path.read_text("ascii").strip()
    except (OSError, FileProblem) as error:
        reason = error.strerror if isinstance(error, OSError) else f"{error}".rstrip(".")
        raise ImproperlyConfigured(
            f"The secret key cannot be kept in {path}: {reason}."
            " Make BANK_DATA_DIR writable, or set DJANGO_SECRET_KEY."
        ) from error
    except UnicodeDecodeError:
        key = ""
    if len(key) < MINIMUM_CHARACTERS:
        raise ImproperlyConfigured(
            f"{path} holds no secret key. Delete it, and the bank makes a new key."
        )
    return key


def _create(path: Path) -> None:
    """Writes a new key beside `path`, then links it there atomically: the first process wins.

    On return key and name are on the disk: authenticators of staff are encrypted with it.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        has_bank = (path.parent / "bank.sqlite3").is_file()
        with suppress(FileExistsError):
            os.link(name, path)
            if has_bank:
                sys.stderr.write(f"Warning: {path} was missing beside a bank. {_LOST_KEY}\n")
    finally:
        Path(name).unlink()
    sync_folder(path.parent)
