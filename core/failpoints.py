"""Named points in the code where a crash test can kill, stop or fail the process that comes by.

    BANK_FAILPOINTS=claim.leased=kill,post.settled=stop manage.py process_transactions

Off, which is always in production, a point costs one function call. Each fires once in a process.
With BANK_FAILPOINT_FUSES, a folder that processes share, a point fires only while a file of its
name is there, and whoever fires takes the file away: once for all of them, and as often as a test
puts the file back.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# Every point there is, in the order in which a command comes by them.
FAILPOINTS = (
    # A command is queued: one statement, which commits itself.
    "accept.read",  # The accounts are read.
    "accept.stored",  # The rows are committed, and the client does not know yet.
    # A worker takes what is due, in one transaction.
    "claim.locked",  # The rows are locked.
    "claim.leased",  # All is written and nothing committed.
    "claim.committed",  # The worker holds its claim and has not begun.
    # Money moves, in one transaction: `process` for a client that waits, `post` for a claim.
    "process.locked",  # The accounts are locked.
    "write.journal",  # The journal is written, the balances are not.
    "process.written",  # All is written and nothing committed.
    "process.committed",  # All is committed, and the client does not know yet.
    "post.rows_locked",  # The claimed rows are locked.
    "post.accounts_locked",  # So are their accounts.
    "settle.journal",  # The outcomes are written, the balances are not.
    "post.settled",  # The balances are written, the events are not.
    "post.recorded",  # All is written and nothing committed.
    "post.committed",  # All is committed, and the worker does not know yet.
    # A row of the queue fails, expires or goes back, in one transaction.
    "change.locked",
    "change.recorded",
    "change.committed",
    # A batch of settled transactions is archived: the file first, then one database transaction.
    "archive.began",  # The run is recorded, and nothing is in the file.
    "archive.half_appended",  # Half of the batch is in the file.
    "archive.appended",  # All of it is, and may not be on the disk.
    "archive.synced",  # It is on the disk.
    "archive.marked",  # The rows are marked, their place in the file is not recorded.
    "archive.recorded",  # All is written and nothing committed.
    "archive.committed",
    "archive.cut",  # What an interrupted run left in the file is gone, the run is not closed.
    # An export writes its files beside those of the last one, and puts them in their places.
    "export.block_written",  # A file is begun.
    "export.file_sealed",  # One file is whole and durable under its temporary name.
    "export.all_sealed",  # So are all of them, and the manifest.
    "export.file_published",  # One file is new, and the others are old.
    "export.files_durable",  # All are new but the manifest.
    "export.manifest_published",  # All is done but making its name durable.
    # Files are loaded into an empty bank, in one transaction.
    "import.locked",  # Nobody else writes.
    "import.loaded",  # All rows are written, and nothing is proven.
    "import.copied",  # The archive file is in its place.
    "import.verified",  # All is proven and nothing committed.
    "import.committed",
    # A file of movements is posted in pieces, each with its results after it.
    "post_batch.committed",  # A piece is committed, and its results are not written.
    "post_batch.half_recorded",  # A part of them is in the file.
    "post_batch.recorded",  # All of them are on the disk.
)


class FailpointReached(Exception):
    """What the action `raise` raises."""


def _kill(_name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop(_name: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)  # The whole process, heartbeat included, until SIGCONT.


def _raise(name: str) -> None:
    raise FailpointReached(name)


_ACTIONS: dict[str, Callable[[str], None]] = {"kill": _kill, "stop": _stop, "raise": _raise}


_armed: dict[str, Callable[[str], None]] = {}
_fuses = ""


def arm(text: str, *, fuses: str = "") -> None:
    """Arms the points of `name=action,name=action`, and no others. Raises ImproperlyConfigured.

    `fuses` is the folder that processes share, or empty.
    """
    global _fuses  # noqa: PLW0603 - the settings arm them, once
    if fuses and not Path(fuses).is_dir():
        raise ImproperlyConfigured(f"BANK_FAILPOINT_FUSES must be a folder, not {fuses!r}.")
    _fuses = fuses
    _armed.clear()
    for item in filter(None, (word.strip() for word in text.split(","))):
        name, _, action = item.partition("=")
        if name not in FAILPOINTS or action not in _ACTIONS:
            raise ImproperlyConfigured(f"BANK_FAILPOINTS has {item!r}, not a known point=action.")
        _armed[name] = _ACTIONS[action]


def require_disarmed() -> None:
    """Raises ImproperlyConfigured where a point is armed: for settings of production."""
    if _armed:
        raise ImproperlyConfigured("Not fit for production: BANK_FAILPOINTS must not be set.")


def failpoint(name: str) -> None:
    """Does nothing, unless a test has armed this point."""
    if _armed:
        _fire(name)


def _fire(name: str) -> None:
    action = _armed.get(name)
    if action is None:
        return
    if _fuses:
        try:
            Path(_fuses, name).unlink()
        except FileNotFoundError:
            return
    else:
        del _armed[name]
    action(name)
