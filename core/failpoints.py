"""Named points in the code where a crash test can kill, stop or fail the running process.

    BANK_FAILPOINTS=claim.leased=kill,post.settled=stop manage.py process_transactions

A point that is off, as always in production, costs one function call. Each fires once per process.
With BANK_FAILPOINT_FUSES, a folder shared by processes, a point fires only while a file of its name
exists. The point removes the file when it fires, so it fires once for all processes, and again when
the test puts the file back.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

# All points, in the order in which a command reaches them.
FAILPOINTS = (
    # A command is queued: one statement, which commits itself.
    "accept.read",  # The accounts are read.
    "accept.stored",  # The rows are committed, and the client does not know yet.
    # A worker claims due rows, in one database transaction.
    "claim.locked",  # The rows are locked.
    "claim.leased",  # Everything is written, nothing committed.
    "claim.committed",  # The worker holds its claim and has not begun.
    # Money moves, in one database transaction: `process` for a waiting client, `post` for a claim,
    # `gather` for several clients.
    "gather.taken",  # Their requests are gathered, and nothing is begun.
    "gather.written",  # Everything is written, nothing committed.
    "gather.committed",  # Everything is committed, and no client knows yet.
    "process.locked",  # The accounts are locked.
    "write.journal",  # The journal is written, the balances are not.
    "process.written",  # Everything is written, nothing committed.
    "process.committed",  # Everything is committed, and the client does not know yet.
    "post.rows_locked",  # The claimed rows are locked.
    "post.accounts_locked",  # Their accounts are locked too.
    "post.recorded",  # The events are written, the outcomes are not.
    "settle.journal",  # The outcomes are written too, the balances are not.
    "post.settled",  # Everything is written, nothing committed.
    "post.committed",  # Everything is committed, and the worker does not know yet.
    # A row of the queue fails, expires or goes back, in one database transaction.
    "change.locked",
    "change.recorded",
    "change.committed",
    # A mail about waiting approvals: each step is a statement that commits itself.
    "mail.claimed",  # This worker is to send it, and nobody else.
    "mail.sent",  # The mail server has taken it, and the bank does not know yet.
    "mail.recorded",
    # A batch of settled transactions is archived: the file first, then one database transaction.
    "archive.began",  # The run is recorded, and the file is empty.
    "archive.half_appended",  # Half of the batch is in the file.
    "archive.appended",  # The whole batch is in the file, but maybe not on the disk.
    "archive.synced",  # The whole batch is on the disk.
    "archive.marked",  # The rows are marked, their place in the file is not recorded.
    "archive.recorded",  # Everything is written, nothing committed.
    "archive.committed",
    "archive.cut",  # The remains of an interrupted run are cut off, the run is not closed.
    # Entries are sealed: one database transaction first, then a line of the file of heads.
    "seal.collected",  # The trees are made, nothing is stored.
    "seal.stored",  # The seal is stored, its ranges are not.
    "seal.ranges_stored",  # Everything is stored, nothing committed.
    "seal.committed",  # The seal is committed, and its head is not in the file.
    "seal.half_appended",  # Half of the head is in the file.
    "seal.appended",  # The whole head is in the file, but maybe not on the disk.
    "seal.synced",
    # A new key is announced in a seal, then takes the place of the old one.
    "seal.key_made",  # The new key waits beside the old one.
    "seal.key_announced",  # The seal is whole, and the old key still in place.
    # An export writes its files beside those of the last export, then moves them into place.
    "export.block_written",  # A file is begun.
    "export.file_sealed",  # One file is whole and durable under its temporary name.
    "export.all_sealed",  # All files and the manifest are whole and durable.
    "export.file_published",  # One file is new, and the others are old.
    "export.files_durable",  # All files but the manifest are new.
    "export.manifest_published",  # The manifest's name is not durable yet.
    # Statements of some accounts are written, in one database transaction.
    "statements.drawn_up",  # They are added up, and nothing is begun.
    "statements.written",  # Everything is written, nothing committed.
    "statements.committed",  # Some accounts have their statements, others do not.
    # A run of a job is asked for and claimed; each step is a statement that commits itself.
    "job.asked_for",  # The run waits, and nobody has begun it.
    "job.claimed",  # This process holds the lease and has not begun.
    "job.worked",  # The work is done, and its outcome is not recorded.
    "job.recorded",
    # Events go to a webhook.
    "webhook.collected",  # Deliveries are written and the place is moved, nothing committed.
    "webhook.sent",  # The receiver has the message, and the bank does not know yet.
    # A backup of a date is written.
    "backup.began",  # This process holds the lock, and has not begun.
    "backup.half_written",  # The backup is written under its temporary name, without its digest.
    "backup.written",  # The file is in its place, and so are the old ones.
    # A closed day is added to the lake.
    "lake.half_written",  # Some of its rows are in a file under a temporary name.
    "lake.day_sealed",  # The file is whole and durable under its temporary name.
    "lake.day_published",  # The day is there, and the manifest does not name it.
    "lake.manifest_published",
    # Files are loaded into an empty bank, in one database transaction.
    "import.locked",  # Nobody else writes.
    "import.loaded",  # All rows are written, nothing is verified.
    "import.copied",  # The archive file is in its place.
    "import.verified",  # Everything is verified, nothing committed.
    "import.committed",
    # A file of movements is posted in pieces; the results of each are written after it.
    "post_batch.committed",  # A piece is committed, its results are not written.
    "post_batch.half_recorded",  # Some of the results are in the file.
    "post_batch.recorded",  # All results are on the disk.
    # A worker posts or reverses an uploaded file; it shares the first step with `post_batch`.
    "desk.recorded",  # The counts of a piece are committed.
    "desk.reversed",  # The reversal is committed, and the file does not show it.
)


class FailpointReached(Exception):
    """Raised by the action `raise`."""


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
    """Arms exactly the points of `name=action,name=action`. Raises ImproperlyConfigured.

    `fuses` is the shared folder, or empty.
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
    """Raises ImproperlyConfigured if a point is armed: for the settings of production."""
    if _armed:
        raise ImproperlyConfigured("Not fit for production: BANK_FAILPOINTS must not be set.")


def failpoint(name: str) -> None:
    """Does nothing unless a test has armed this point."""
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
