"""Whole reads on a standby, where BANK_REPLICA_URL names one: docs/adr/0039-reads-on-a-replica.md.

`read` answers from the replica only what the primary would have answered: it first asks the primary
how far its log is, and waits until the replica has replayed that. So a read has every write that
was answered before it began, by whatever process, and no process keeps state about its callers.
`read_stale` also takes an older answer, for callers who write nothing.

The primary serves, at once, if the replica is away, behind by more than the bound, or cancels a
read. Never call these with anything that writes or decides on money.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db import Error as DatabaseFailure

from core.errors import BankError
from core.metrics.instruments import REPLICA_READS_BY
from core.stand_in import REPLICA, replica_stands_in, stands_in

logger = logging.getLogger(__name__)
Found = TypeVar("Found")

# How long a request waits for what the primary has and the replica not yet: usually milliseconds.
REQUEST_SECONDS = 0.1
# How long a replica that was away or far behind is not asked again.
PAUSE_SECONDS = 5.0
# How long it may be silent when it is asked how far it is. A machine that hangs closes nothing.
SILENCE_SECONDS = 1.0
_LOOK_SECONDS = 0.002

# Why the primary has served, or that it has not: a label of the metrics.
SERVED, AWAY, BEHIND, FAILED, STRANGE = "replica", "away", "behind", "failed", "strange"
_WORDS = {
    AWAY: "does not answer",
    BEHIND: "is too far behind",
    STRANGE: "is no standby of this database",
}

# No position on a server that follows another itself. The identifier is the same on all servers
# that were copied from one, and only there.
_POSITION = """
    SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_flush_lsn()::text END,
        (SELECT system_identifier FROM pg_control_system()), current_database()"""
# Whether it has all up to there, the age of the last commit that it has, and whether it may answer
# at all. A server that follows no other has been promoted, and may go its own way. The log of
# another bank has positions too.
_STATE = """
    SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn,
        extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
        pg_is_in_recovery() AND current_database() = %s
            AND (SELECT system_identifier FROM pg_control_system()) = %s"""


class _Position(NamedTuple):
    """How far a log is, and of which database of which servers it is."""

    lsn: str
    system: int
    database: str


class _Unusable(Exception):
    """The primary must serve this read. The message is one of the reasons above."""

    def __init__(self, reason: str, *, pauses: bool = True) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pauses = pauses


class _State:
    """What this process knows about the replica: until when it is left alone, and why."""

    paused_until = 0.0
    # Until then nobody waits for it, though it may answer.
    slow_until = 0.0
    reason = ""


_state = _State()


def read(selector: Callable[[], Found]) -> Found:
    """What `selector` returns, with every write that was committed when this was called.

    It reads one moment. It runs again, on the primary, if the replica fails meanwhile, so it must
    change nothing that matters. Inside a database transaction it runs there.
    """
    return read_fresh(selector)[0]


def read_in_batch(selector: Callable[[], Found]) -> Found:
    """As `read`, for commands: `selector` takes a snapshot by itself (`core.snapshot`).

    It waits for the replica as long as the bound: a read of everything is worth that.
    """
    patience_seconds = float(settings.REPLICA_MAX_LAG_SECONDS)
    return _read(selector, patience_seconds, takes_snapshot=True)[0]


def read_stale(selector: Callable[[], Found]) -> tuple[Found, float | None]:
    """As `read`, but an answer may be BANK_REPLICA_MAX_LAG_SECONDS old; and its age in seconds.

    The age is None if the primary has served. A refusal is never stale: the primary confirms it.
    """
    return _read(selector, REQUEST_SECONDS, takes_stale=True)


def read_fresh(selector: Callable[[], Found]) -> tuple[Found, float | None]:
    """As `read`, and the age of the answer in seconds; None if the primary has served."""
    return _read(selector, REQUEST_SECONDS)


def state() -> tuple[bool, float | None]:
    """For metrics: whether the replica answers, and by how many seconds it is behind, if known."""
    try:
        has_all, age = _asked(_position())
    except _Unusable:
        return False, None
    except DatabaseFailure:
        connections[REPLICA].close()
        return False, None
    return True, 0.0 if has_all else age


def _read(
    selector: Callable[[], Found],
    patience_seconds: float,
    *,
    takes_snapshot: bool = False,
    takes_stale: bool = False,
) -> tuple[Found, float | None]:
    if not settings.HAS_REPLICA or stands_in() or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return selector(), None
    began = time.monotonic()
    try:
        age = _usable_age(patience_seconds, takes_stale=takes_stale)
        found = _on_replica(selector, takes_snapshot=takes_snapshot, is_stale=age > 0)
    except _Unusable as unusable:
        _note(unusable)
    else:
        _note(None)
        return found, age + time.monotonic() - began
    return selector(), None


def _usable_age(patience_seconds: float, *, takes_stale: bool) -> float:
    """0 if the replica has all that the primary had, else the age of its last commit.

    Raises _Unusable, and the primary's own errors.
    """
    now = time.monotonic()
    if now < _state.paused_until:
        raise _Unusable(_state.reason, pauses=False)
    if now < _state.slow_until:
        patience_seconds = 0.0
    position = _position()
    try:
        while True:
            has_all, age = _asked(position)
            if has_all:
                return 0.0
            # After a quiet hour the last commit is old, and the next one is there in a moment.
            is_near = age is not None and age <= settings.REPLICA_MAX_LAG_SECONDS
            if takes_stale and is_near:
                return age or _LOOK_SECONDS
            waited = time.monotonic() - now
            if waited >= (patience_seconds if is_near else min(patience_seconds, REQUEST_SECONDS)):
                _state.slow_until = time.monotonic() + PAUSE_SECONDS
                raise _Unusable(BEHIND, pauses=not is_near)
            time.sleep(_LOOK_SECONDS)
    except DatabaseFailure as error:
        connections[REPLICA].close()
        raise _Unusable(AWAY) from error


def _position() -> _Position:
    """How far the primary's log is on its disk: every transaction that was answered is in it."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(_POSITION)
        position = _Position(*cursor.fetchone())
    if position.lsn is None:
        raise _Unusable(AWAY)
    return position


def _asked(position: _Position) -> tuple[bool, float | None]:
    reader = connections[REPLICA]
    # Django may ask an older connection first whether it still works.
    with _bounded_silence(reader.connection):
        cursor = reader.cursor()
    with _bounded_silence(reader.connection), cursor:
        cursor.execute(_STATE, [position.lsn, position.database, position.system])
        has_all, age, is_standby = cursor.fetchone()
    if not is_standby:
        # Of several hosts the next connection may find a standby.
        reader.close()
        raise _Unusable(STRANGE)
    return bool(has_all), None if age is None else max(0.0, age)


@contextmanager
def _bounded_silence(raw: Any) -> Iterator[None]:
    """A statement on this connection of psycopg fails if the server is silent for too long."""
    if raw is None:  # A new one has `connect_timeout`.
        yield
        return
    raw.wait = partial(raw.wait, timeout=SILENCE_SECONDS)
    try:
        yield
    finally:
        del raw.wait


def _on_replica(selector: Callable[[], Found], *, takes_snapshot: bool, is_stale: bool) -> Found:
    """Raises _Unusable if the replica is at fault, or may be."""
    # The connection's own level is REPEATABLE READ: one moment for all statements.
    moment: Any = nullcontext() if takes_snapshot else transaction.atomic(using=REPLICA)
    try:
        with replica_stands_in(), moment:
            return selector()
    except DatabaseFailure as error:
        connections[REPLICA].close()
        # A statement that took too long would also do so on the primary.
        if getattr(error.__cause__, "sqlstate", None) == "57014":  # query_canceled
            raise
        raise _Unusable(FAILED, pauses=False) from error
    except BankError as error:
        if not is_stale:
            raise
        raise _Unusable(BEHIND, pauses=False) from error


def _note(unusable: _Unusable | None) -> None:
    """Counts the read. Logs one line when the replica stops serving, and when it serves again."""
    reason = unusable.reason if unusable else SERVED
    REPLICA_READS_BY[reason].inc()
    if unusable is None:
        # A read that began before the pause does not end it.
        if _state.reason and time.monotonic() >= _state.paused_until:
            logger.info("The replica serves again.")
            _state.reason = ""
    elif unusable.pauses:
        if not _state.reason:
            cause = unusable.__cause__
            logger.warning(
                "The replica %s, so the primary serves its reads%s",
                _WORDS[reason],
                f": {_in_one_line(cause)}" if cause else ".",
            )
        _state.reason = reason
        _state.paused_until = time.monotonic() + PAUSE_SECONDS
    elif reason == FAILED:
        logger.warning(
            "The replica has cancelled a read, which the primary serves: %s",
            _in_one_line(unusable.__cause__),
        )


def _in_one_line(error: BaseException | None) -> str:
    """PostgreSQL's message has several."""
    return " ".join(str(error).split())


def forget() -> None:
    """For tests: asks the replica again at once."""
    _state.paused_until = _state.slow_until = 0.0
    _state.reason = ""
