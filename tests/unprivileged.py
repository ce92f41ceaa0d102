"""Runs programs that refuse root: as another user, in a folder owned by that user."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The keyword arguments of subprocess that choose the user; empty for the current one.
Account = dict[str, object]

_REMOVE_ATTEMPTS = 50
# A socket's path below such a folder must fit into the 104 bytes allowed by macOS.
_LONGEST_PARENT = 60


def unprivileged_account() -> Account:
    """Empty if we are not root, else the user `postgres`, or `nobody` if there is none."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise LookupError("This system has neither a user postgres nor a user nobody.")


@contextmanager
def private_folder(prefix: str, account: Account) -> Iterator[Path]:
    """A temporary folder that only the account (and root) can enter, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=_reachable_parent(account)))
    try:
        _give(folder, account)
        yield folder
    finally:
        _remove(folder)


def runnable_copy(bindir: Path, folder: Path, account: Account) -> Path:
    """`bindir` itself if the account can run `postgres` from it, else that of a copy in `folder`.

    Other users cannot reach a wheel under root's home, or installed with a tight umask. The copy
    has everything below the parent of `bindir`, and the wheel's shared libraries.
    """
    if _can_run([bindir / "postgres", "--version"], account):
        return bindir
    prefix, package = bindir.parent, bindir.parent.parent
    copied = folder / "programs" / package.name / prefix.name
    shutil.copytree(prefix, copied, symlinks=True, ignore=shutil.ignore_patterns("include"))
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "programs" / libraries.name)
    for path in [folder / "programs", *(folder / "programs").rglob("*")]:
        _give(path, account)
    return copied / bindir.name


def _reachable_parent(account: Account) -> str:
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - made by mkdtemp
        enter = ["/bin/sh", "-c", 'cd "$0"', parent]
        if len(parent) <= _LONGEST_PARENT and _can_run(enter, account):
            return parent
    raise PermissionError("No folder for temporary files can be entered.")


def _can_run(command: list[str | Path], account: Account) -> bool:
    try:
        answer = subprocess.run(command, capture_output=True, check=False, cwd="/", **account)
    except PermissionError:
        return False
    return answer.returncode == 0


def _give(path: Path, account: Account) -> None:
    if account:
        os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _remove(folder: Path) -> None:
    """Retries for a few seconds, while an interrupted program may still be writing."""
    for _ in range(_REMOVE_ATTEMPTS):
        try:
            shutil.rmtree(folder)
        except OSError:
            time.sleep(0.1)
        else:
            return
    shutil.rmtree(folder)
