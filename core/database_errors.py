"""The meaning of database errors for a client, a worker, the connection and readiness.

One table for the SQLSTATEs of PostgreSQL (appendix A of its manual) and one for the result codes of
SQLite. A code is looked up before its class (the first two characters). An unlisted code is the
bank's own fault. Nothing else in the bank reads codes.
"""

import time
from dataclasses import dataclass

import psycopg
from django.db import InterfaceError, OperationalError, connection

# Why a database transaction is tried again, as metrics count it.
DEADLOCK, LOCK_TIMEOUT, SERIALIZATION, OTHER = "deadlock", "lock_timeout", "serialization", "other"


@dataclass(frozen=True, slots=True)
class Meaning:
    """`code` is one of `core.errors.ERROR_KINDS`; `busy` only if certainly nothing was done.

    `tried_again`: the same database transaction may succeed in a moment. `is_the_commands`: a
    command that meets this error when it runs alone has caused it; otherwise the command stays in
    the queue, and its worker waits. `drops_connection`: the next request needs a new connection.
    `readiness`: the database's problem, for `health/ready/`; empty if there is none.
    """

    code: str
    tried_again: bool = False
    is_the_commands: bool = False
    drops_connection: bool = False
    readiness: str = ""

    @property
    def detail(self) -> str:
        """The text for a client of a `busy` database. It leaves out the reason."""
        trouble = "cannot serve at present" if self.readiness else "is busy"
        return f"The database {trouble}. Nothing was done."


# Another database transaction is in the way.
CONTENTION = Meaning("busy", tried_again=True)
# A statement timed out. A client may send it again, but a worker must not retry for ever.
TOO_LONG = Meaning("busy", is_the_commands=True)
# The server ended the session while it was idle, or before it began.
SESSION_ENDED = Meaning("busy", drops_connection=True)
# The connection was lost. If COMMIT was under way, nobody knows whether it happened.
LOST = Meaning("outcome_unknown", drops_connection=True)
# Missing rights or damage in the database. No command is at fault.
FAULT = Meaning("internal_error")
# The statement or its data are wrong.
OURS = Meaning("internal_error", is_the_commands=True)


def _not_now(readiness: str) -> Meaning:
    """The database cannot serve at present. The database transaction was rolled back."""
    return Meaning("busy", drops_connection=True, readiness=readiness)


READ_ONLY = _not_now("is read-only")
FULL = _not_now("has no room left on its disk")
EXHAUSTED = _not_now("has no resources left")
REFUSES = _not_now("refuses connections")
SYSTEM_ERROR = _not_now("met an error of its system")
AWAY = _not_now("does not answer")

# If the server reports an error, it has not committed the database transaction. A failure after the
# commit record is written is a PANIC, which the client sees as a lost connection.
POSTGRESQL: dict[str, Meaning] = {
    "08": LOST,
    "25006": READ_ONLY,  # read_only_sql_transaction: a standby, or an administrator's default
    "25P03": SESSION_ENDED,  # idle_in_transaction_session_timeout
    "25P04": SESSION_ENDED,  # transaction_timeout
    "28": REFUSES,  # no such role, wrong password, pg_hba.conf
    "3D": REFUSES,  # no such database
    "40001": CONTENTION,  # serialization_failure
    "40003": LOST,  # statement_completion_unknown
    "40P01": CONTENTION,  # deadlock_detected
    "42501": FAULT,  # insufficient_privilege
    "53": EXHAUSTED,
    "53100": FULL,  # disk_full
    "53300": REFUSES,  # too_many_connections
    "55P03": CONTENTION,  # lock_not_available
    "57014": TOO_LONG,  # query_canceled
    "57": LOST,  # the server or the database is going away
    "57P03": AWAY,  # cannot_connect_now: starting or stopping
    "57P05": SESSION_ENDED,  # idle_session_timeout
    "58": SYSTEM_ERROR,
    "XX001": FAULT,  # data_corrupted
    "XX002": FAULT,  # index_corrupted
}

# By primary result code, the lower eight bits.
SQLITE: dict[int, Meaning] = {
    3: REFUSES,  # SQLITE_PERM
    5: CONTENTION,  # SQLITE_BUSY
    6: CONTENTION,  # SQLITE_LOCKED
    7: EXHAUSTED,  # SQLITE_NOMEM
    8: READ_ONLY,  # SQLITE_READONLY
    9: TOO_LONG,  # SQLITE_INTERRUPT
    10: LOST,  # SQLITE_IOERR: it may come after the journal was deleted, which is the commit
    11: FAULT,  # SQLITE_CORRUPT
    13: FULL,  # SQLITE_FULL
    14: AWAY,  # SQLITE_CANTOPEN
    15: CONTENTION,  # SQLITE_PROTOCOL
    22: FAULT,  # SQLITE_NOLFS
    23: REFUSES,  # SQLITE_AUTH
    26: FAULT,  # SQLITE_NOTADB
}

_REASONS = {"40001": SERIALIZATION, "40P01": DEADLOCK, "55P03": LOCK_TIMEOUT}

# Errors of a bank that is not migrated: no such table, column, function, schema.
_NOT_MIGRATED = {"42P01", "42703", "42883", "3F000"}

# How long readiness repeats the trouble of a request: only a write can show that a disk is full.
_REMEMBERED_SECONDS = 30

# Raised without a code when the connection is gone.
_ERRORS_OF_A_LOST_CONNECTION = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    OperationalError,
    InterfaceError,
)

# The longest wait that a client is told.
_LONGEST_WAIT_SECONDS = 30


@dataclass(slots=True)
class _Trouble:
    """Of this process's requests: when it began and was last met, and its words for readiness."""

    since: float
    latest: float
    readiness: str

    @property
    def wait_seconds(self) -> int:
        return max(1, min(_LONGEST_WAIT_SECONDS, round(self.latest - self.since)))

    def lasts(self, now: float) -> bool:
        """Whether a trouble met now is still this one: clients come back after the wait told."""
        return now - self.latest <= 2 * (self.wait_seconds + 1)


_trouble: _Trouble | None = None


def meaning_of(error: BaseException) -> Meaning:
    """The meaning of a database error raised by Django or by the driver."""
    cause = error.__cause__ or error
    if (result_code := getattr(cause, "sqlite_errorcode", None)) is not None:
        return SQLITE.get(result_code & 0xFF, OURS)
    sqlstate = getattr(cause, "sqlstate", None)
    if sqlstate is not None:
        return POSTGRESQL.get(sqlstate) or POSTGRESQL.get(sqlstate[:2], OURS)
    # If psycopg could not connect, there is no SQLSTATE. It sets `pgconn` unless time ran out.
    timed_out = isinstance(cause, psycopg.errors.ConnectionTimeout)
    if timed_out or getattr(cause, "pgconn", None) is not None:
        return AWAY
    return LOST if isinstance(cause, _ERRORS_OF_A_LOST_CONNECTION) else OURS


def reason_of(error: BaseException) -> str:
    """Why a transaction is tried again: a label of the metrics."""
    cause = error.__cause__ or error
    if getattr(cause, "sqlite_errorcode", None) is not None:
        return LOCK_TIMEOUT
    return _REASONS.get(getattr(cause, "sqlstate", None) or "", OTHER)


def to_operators(error: BaseException) -> str:
    """The words for operators after "The database"; empty if the bank's code is at fault."""
    cause = error.__cause__ or error
    if getattr(cause, "sqlstate", None) in _NOT_MIGRATED or str(cause).startswith(
        ("no such table", "no such column")
    ):
        return "is not migrated (run `manage.py migrate` first)"
    meaning = meaning_of(error)
    if meaning.readiness:
        return meaning.readiness
    return "" if meaning is OURS and not isinstance(error, OperationalError) else "failed"


def note(error: BaseException) -> Meaning:
    """As `meaning_of`. Also marks this thread's connection for closing and informs readiness.

    The connection may be in a database transaction. So it stays open until the request ends or its
    owner closes it.
    """
    global _trouble  # noqa: PLW0603 - the latest trouble of this process
    meaning = meaning_of(error)
    if meaning.drops_connection:
        connection.close_at = time.monotonic()  # Django's own deadline for a kept connection.
    if meaning.readiness:
        now = time.monotonic()
        since = _trouble.since if _trouble and _trouble.lasts(now) else now
        _trouble = _Trouble(since, now, meaning.readiness)
    return meaning


def recent_trouble() -> str:
    """The recent trouble of this process's requests, for readiness; empty if none."""
    if _trouble is None or time.monotonic() - _trouble.latest > _REMEMBERED_SECONDS:
        return ""
    return _trouble.readiness


def wait_seconds() -> int:
    """How long a client should wait that has just met trouble: as long as it has lasted.

    At least 1 and at most 30 s. Nobody knows when a database is back; who waits so long waits at
    most twice as long as necessary, and asks seldom.
    """
    return 1 if _trouble is None else _trouble.wait_seconds


def forget_trouble() -> None:
    """For tests: forgets all trouble."""
    global _trouble  # noqa: PLW0603 - see note
    _trouble = None
