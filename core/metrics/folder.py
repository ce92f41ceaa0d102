"""The folder of one server's counts: each of its processes counts in files of its own there.

A server makes the folder before its processes start (`owned_folder`), and names it to them by an
environment variable. It is a temporary folder, new for each run of a server. One that a killed
server has left is removed by the next server of the same user.

Each process holds a lock as long as it lives, which the kernel ends with it. So a dead process is
noticed without its help, and a new process with its number is not taken for it. What a dead process
has counted is added to the counts of all dead ones, and its files are removed: no counter goes
back, and the folder does not grow with each process that ends.
"""

import fcntl
import os
import secrets
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

# The library reads it.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "bank-metrics-"
_OWNER = "owner"
_ALIVE = "alive-"
_DEAD = "dead-"
_UNFINISHED = "new-"
# The kinds of files whose values of dead processes count on.
_KEPT = ("counter", "histogram")
INITIAL_BYTES = 1 << 16
# In memory: no count waits for a disk.
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder is made safely, with a random name
# A folder without an owner's lock may be on its way, for so long.
_NEW_SECONDS = 60.0
_LOCK_SECONDS = 5.0

# The open lock file of this process, its number and its name.
_joined: tuple[int, int, str] | None = None


class Reserved(MmapedDict):
    """A file of counts whose room on the disk is its own: a full disk is an OSError at its growth.

    In a file with holes it would be a signal that ends the process, with a count after a COMMIT.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            _reserve(filename, INITIAL_BYTES)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + 64
        if needed > self._capacity:
            _reserve(self._fname, 2 * self._capacity)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _reserve(filename: str, size: int) -> None:
    if hasattr(os, "posix_fallocate"):  # Not on macOS.
        with Path(filename).open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, size)


class FolderBusy(Exception):
    """Another process holds the folder for too long."""


@contextmanager
def owned_folder() -> Iterator[Path]:
    """Makes the folder of this server and names it to the processes that it starts.

    Removed at the end of the block. Raises OSError.
    """
    folder = make()
    try:
        yield folder
    finally:
        remove(folder)


def make() -> Path:
    """As `owned_folder`, for a server that removes the folder by `remove`."""
    parent = _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    _remove_left(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    # Held by the server and, on a fork, by its processes: it stays open until all have ended.
    _hold(folder / _OWNER)
    os.environ[VARIABLE] = str(folder)
    return folder


def remove(folder: Path) -> None:
    """Removes the folder of this server, whose processes have ended."""
    os.environ.pop(VARIABLE, None)
    shutil.rmtree(folder, ignore_errors=True)


def current() -> Path | None:
    """The folder of the server that started this process; None if there is none.

    A folder that no server of the bank has made is not used, whatever the variable says.
    """
    named = os.environ.get(VARIABLE, "")
    folder = Path(named)
    is_ours = folder.name.startswith(_PREFIX) and (folder / _OWNER).exists()
    return folder if named and is_ours else None


def identity() -> str:
    """The name of this process in its files: its number and random characters.

    The first call joins the folder. A fork is another process, and joins it too.
    """
    global _joined  # noqa: PLW0603 - once for each process
    if _joined is None or _joined[0] != os.getpid():
        folder = current()
        assert folder is not None
        name = f"{os.getpid()}-{secrets.token_hex(4)}"
        unfinished = folder / f"{_UNFINISHED}{name}"
        descriptor = _hold(unfinished)
        # Everyone who sees the file finds it locked.
        unfinished.rename(folder / f"{_ALIVE}{name}")
        _joined = os.getpid(), descriptor, name
    return _joined[2]


def set_kind(kind: str) -> None:
    """Tells the others what kind of process this is."""
    folder = current()
    if folder is not None:
        (folder / f"{_ALIVE}{identity()}").write_text(kind)


def living(folder: Path) -> list[tuple[int, str]]:
    """The numbers and kinds of the processes that live, as of the last `counted`."""
    found = []
    for path in folder.glob(f"{_ALIVE}*"):
        with suppress(OSError):
            found.append((int(path.name.removeprefix(_ALIVE).split("-")[0]), path.read_text()))
    return found


@contextmanager
def counted(folder: Path) -> Iterator[list[str]]:
    """The files of all counts, of the living and the dead. Nobody else adds up dead ones meanwhile.

    Raises FolderBusy if another process holds the folder for seconds.
    """
    with _alone_in(folder):
        _clear(folder)
        if gone := _dead(folder):
            _bury(folder, gone)
            _clear(folder)
        yield [str(path) for path in (*folder.glob("*.db"), *folder.glob(f"{_DEAD}*/*.db"))]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / "lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _LOCK_SECONDS
    try:
        while not _lock(descriptor):
            if time.monotonic() > until:
                raise FolderBusy
            time.sleep(0.005)
        yield
    finally:
        os.close(descriptor)


def _dead(folder: Path) -> list[str]:
    """The names of the processes that have ended."""
    return [path.name.removeprefix(_ALIVE) for path in folder.glob(f"{_ALIVE}*") if _is_free(path)]


def _bury(folder: Path, gone: list[str]) -> None:
    """Adds the counts of these processes to those of earlier dead ones.

    One rename makes the new sums valid, and names the processes that are in them. A crash before it
    changes nothing, and `_clear` finishes after it.
    """
    last = _last_dead(folder)
    unfinished = folder / f"{_UNFINISHED}{_DEAD}{secrets.token_hex(4)}"
    unfinished.mkdir()
    for kind in _KEPT:
        sums: defaultdict[str, float] = defaultdict(float)
        files = [folder / f"{kind}_{name}.db" for name in gone]
        if last is not None:
            files.append(last / f"{kind}_dead.db")
        for path in files:
            if path.exists():
                for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
                    sums[key] += value
        written = MmapedDict(str(unfinished / f"{kind}_dead.db"))
        for key, value in sums.items():
            written.write_value(key, value, 0.0)
        written.close()
    (unfinished / "gone").write_text("\n".join(gone))
    number = 1 if last is None else _number(last) + 1
    unfinished.rename(folder / f"{_DEAD}{number}")


def _clear(folder: Path) -> None:
    """Removes what is in the newest sums of the dead, and what a killed process left unfinished."""
    for path in folder.glob(f"{_UNFINISHED}{_DEAD}*"):
        shutil.rmtree(path, ignore_errors=True)
    last = _last_dead(folder)
    if last is None:
        return
    for path in folder.glob(f"{_DEAD}*"):
        if path != last:
            shutil.rmtree(path, ignore_errors=True)
    for name in (last / "gone").read_text().split():
        for path in folder.glob(f"*_{name}.db"):
            path.unlink(missing_ok=True)
        (folder / f"{_ALIVE}{name}").unlink(missing_ok=True)


def _last_dead(folder: Path) -> Path | None:
    return max(folder.glob(f"{_DEAD}*"), key=_number, default=None)


def _number(path: Path) -> int:
    return int(path.name.removeprefix(_DEAD))


def _remove_left(parent: Path) -> None:
    """Removes the folders of servers that were killed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            status = folder.stat()
            is_new = time.time() - status.st_mtime < _NEW_SECONDS
            owner = folder / _OWNER
            if status.st_uid == os.geteuid() and (
                _is_free(owner) if owner.exists() else not is_new
            ):
                shutil.rmtree(folder, ignore_errors=True)


def _hold(path: Path) -> int:
    """Makes the file and locks it until this process ends. Its descriptor is not inherited."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_free(path: Path) -> bool:
    """Whether nobody holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        return _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
