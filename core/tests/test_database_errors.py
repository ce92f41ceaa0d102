"""The meaning of every SQLSTATE and every SQLite result code for clients, workers and readiness."""

import sqlite3
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from core import contention, database_errors
from core.api.problems import problem_of
from core.database_errors import (
    AWAY,
    CONTENTION,
    FAULT,
    FULL,
    LOST,
    OURS,
    READ_ONLY,
    REFUSES,
    SESSION_ENDED,
    TOO_LONG,
    Meaning,
    meaning_of,
)
from core.errors import ERROR_KINDS, Busy

# Every SQLSTATE that psycopg knows: those of appendix A of PostgreSQL's manual.
SQLSTATES: dict[str, type[psycopg.Error]] = {
    kind.sqlstate: kind
    for kind in vars(psycopg.errors).values()
    if isinstance(kind, type) and issubclass(kind, psycopg.Error) and kind.sqlstate
}
# SQLite's primary result codes that are errors: SQLITE_ERROR to SQLITE_NOTADB.
RESULT_CODES = range(1, 27)

MEANINGS = {*database_errors.POSTGRESQL.values(), *database_errors.SQLITE.values(), OURS}


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    close_at = connection.close_at
    database_errors.forget_trouble()
    yield
    database_errors.forget_trouble()
    connection.close_at = close_at


def raised(cause: Exception) -> DatabaseError:
    """The error as Django raises it."""
    error = DatabaseError(*cause.args)
    error.__cause__ = cause
    return error


def of_postgresql(sqlstate: str) -> DatabaseError:
    return raised(SQLSTATES[sqlstate]("row 5 of accounts"))


def of_sqlite(code: int) -> DatabaseError:
    cause = sqlite3.OperationalError("row 5 of accounts")
    cause.sqlite_errorcode = code
    return raised(cause)


EVERY_ERROR = [
    *(pytest.param(of_postgresql(sqlstate), id=sqlstate) for sqlstate in sorted(SQLSTATES)),
    *(pytest.param(of_sqlite(code), id=f"sqlite-{code}") for code in RESULT_CODES),
]


@pytest.mark.parametrize("error", EVERY_ERROR)
def test_client_worker_connection_and_readiness_hear_the_same(
    error: DatabaseError, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contention, "_BACKOFF_SECONDS", 0)
    meaning = meaning_of(error)
    told = problem_of(error)
    assert told.code == meaning.code
    assert "row 5" not in told.detail
    # A client may repeat only a request that did nothing.
    assert ERROR_KINDS[told.code].retryable == ("Nothing was done." in told.detail)
    assert database_errors.note(error) is meaning
    assert (connection.close_at is not None) >= meaning.drops_connection
    assert database_errors.recent_trouble() == meaning.readiness
    attempts, outcome = attempts_of(error)
    assert attempts == (contention._ATTEMPTS if meaning.tried_again else 1)
    is_busy = meaning.tried_again or bool(meaning.readiness)
    assert isinstance(outcome, Busy) == is_busy
    assert is_busy or outcome is error


def attempts_of(error: DatabaseError) -> tuple[int, Exception]:
    """The number of attempts of a transaction that meets this error, and the final error."""
    attempts = 0

    def fail() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contention.transaction, "atomic", lambda **_: _Nothing())
        with pytest.raises((Busy, DatabaseError)) as outcome:
            contention.retrying(fail)
    return attempts, outcome.value


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("meaning", MEANINGS)
def test_a_meaning_does_not_contradict_itself(meaning: Meaning) -> None:
    assert meaning.code in ("busy", "outcome_unknown", "internal_error")
    # A retry never repeats what may have been done, and no command is blamed for the database.
    assert not meaning.tried_again or meaning.code == "busy"
    assert not meaning.is_the_commands or not (meaning.tried_again or meaning.drops_connection)
    assert not meaning.readiness or (meaning.code == "busy" and meaning.drops_connection)


def test_the_tables_name_no_code_that_does_not_exist() -> None:
    classes = {sqlstate[:2] for sqlstate in SQLSTATES}
    assert {code for code in database_errors.POSTGRESQL if len(code) == 2} <= classes
    assert {code for code in database_errors.POSTGRESQL if len(code) > 2} - {"25P04"} <= {
        *SQLSTATES
    }
    assert database_errors.SQLITE.keys() <= {*RESULT_CODES}


def test_the_number_of_codes_with_each_meaning() -> None:
    """A control: a code that moves to another meaning changes these counts."""
    counted = Counter(meaning_of(of_postgresql(sqlstate)).code for sqlstate in SQLSTATES)
    assert len(SQLSTATES) > 250
    assert counted["busy"] == 22
    assert counted["outcome_unknown"] == 12


@pytest.mark.parametrize(
    ("sqlstate", "meaning"),
    [
        ("40001", CONTENTION),
        ("40P01", CONTENTION),
        ("55P03", CONTENTION),
        ("57014", TOO_LONG),
        ("25006", READ_ONLY),
        ("25P03", SESSION_ENDED),
        ("53100", FULL),
        ("53300", REFUSES),
        ("57P03", AWAY),
        ("57P01", LOST),
        ("57P02", LOST),
        ("08006", LOST),
        ("08007", LOST),
        ("40003", LOST),
        ("42501", FAULT),
        ("XX001", FAULT),
        ("XX000", OURS),
        ("23505", OURS),
        ("22003", OURS),
        ("P0001", OURS),
    ],
)
def test_common_codes_have_the_right_meaning(sqlstate: str, meaning: Meaning) -> None:
    assert meaning_of(of_postgresql(sqlstate)) is meaning


def test_extended_codes_of_sqlite_mean_what_their_primary_codes_do() -> None:
    assert meaning_of(of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT)) is CONTENTION
    assert meaning_of(of_sqlite(sqlite3.SQLITE_READONLY_DBMOVED)) is READ_ONLY
    assert meaning_of(of_sqlite(sqlite3.SQLITE_CONSTRAINT_UNIQUE)) is OURS


def test_a_connection_without_a_last_word_is_lost() -> None:
    assert meaning_of(raised(psycopg.OperationalError("server closed the connection"))) is LOST
    assert meaning_of(raised(psycopg.InterfaceError("the connection is closed"))) is LOST
    assert meaning_of(InterfaceError("connection already closed")) is LOST
    assert meaning_of(OperationalError("the connection is gone")) is LOST
    assert meaning_of(DatabaseError("of Django's own")) is OURS


def test_readiness_forgets_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    database_errors.note(of_postgresql("53100"))
    assert database_errors.recent_trouble() == FULL.readiness
    monkeypatch.setattr(database_errors, "_REMEMBERED_SECONDS", 0)
    assert database_errors.recent_trouble() == ""


def test_a_client_waits_as_long_as_the_trouble_has_lasted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A trouble is over when nobody meets it for somewhat more than twice the last wait told."""
    told = []
    for seconds in (0, 1, 4, 9, 20, 31, 45, 45.5, 110, 111):
        monkeypatch.setattr(database_errors.time, "monotonic", lambda now=seconds: 1000.0 + now)
        problem = problem_of(busy := of_postgresql("57P03"))
        database_errors.note(busy)
        told.append(int(problem_of(busy).headers["Retry-After"]))
        assert problem.code == "busy"
    assert told == [1, 1, 4, 9, 20, 30, 30, 30, 1, 1]
    assert contention.answer_of_all(busy, 0).retry_after_seconds == 1
    assert "Retry-After" not in problem_of(of_postgresql("57014")).headers
