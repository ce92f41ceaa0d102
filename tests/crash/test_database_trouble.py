"""A real database that cannot serve: the responses to clients, and the complete recovery."""

import json
import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.concurrency.client import API, Client
from tests.concurrency.crowd import Thread
from tests.conftest import NO_FULL_DISK
from tests.crash.bank import Bank, bank, manage
from tests.crash.processes import eventually
from tests.http import Answer, ask
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.small_disk import NoSmallDisk, small_disk

pytestmark = [pytest.mark.slow, pytest.mark.postgresql]

MAX_CONNECTIONS = 20

_END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'bank' AND pid <> pg_backend_pid()"""
# A sequence also counts what is rolled back, so it counts each COMMIT that was tried.
_AT_COMMIT = """
    CREATE SEQUENCE IF NOT EXISTS commits_tried;
    SELECT setval('commits_tried', 1, false);
    CREATE OR REPLACE FUNCTION trouble_at_commit() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN PERFORM nextval('commits_tried'); {what}; RETURN NULL; END $body$;
    CREATE CONSTRAINT TRIGGER trouble_at_commit AFTER INSERT ON transactions_transaction
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trouble_at_commit()"""


@dataclass(slots=True)
class Till:
    """An account of a bank whose database fails."""

    bank: Bank
    server: PostgresqlServer
    account_id: str

    def deposit(self, key: str | None = None) -> Answer:
        return self.post(f"accounts/{self.account_id}/deposit/", {"amount": "1.25"}, key)

    def post(self, path: str, body: Any, key: str | None = None) -> Answer:
        """Sends one request; returns any response."""
        headers = {"Authorization": f"Bearer {self.bank.token}"}
        if key:
            headers["Idempotency-Key"] = key
        if path == "oauth/token/":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(body).encode()
        return ask("POST", self._url(path), body, headers)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.bank.web.port}{API}{path}"

    def settle(self, key: str) -> Answer:
        """Repeats the request until the bank is no longer busy."""
        return eventually(lambda: _unless_busy(self.deposit(key)))

    def readiness(self) -> dict[str, str]:
        checks: dict[str, str] = ask("GET", self._url("health/ready/")).body["checks"]
        return checks

    def execute(self, statements: str) -> None:
        with psycopg.connect(self.server.url, autocommit=True) as session:
            session.execute(statements)

    def posted(self) -> int:
        return int(self.bank.query("SELECT count(*) FROM transactions_transaction")[0][0])


def _unless_busy(answer: Answer) -> Answer | None:
    return None if answer.code == "busy" else answer


@pytest.fixture(scope="module")
def till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    settings = {"max_connections": str(MAX_CONNECTIONS)}
    with (
        postgresql_server(fsync=False, settings=settings) as server,
        bank(tmp_path_factory.mktemp("bank"), server) as made,
    ):
        opened = Client(made.web.port, made.token).post("accounts/", {"name": "Ada Lovelace"})
        yield Till(made, server, opened.body["account_id"])


def assert_nothing_was_done(answer: Answer) -> None:
    assert (answer.status, answer.code, answer.body["retryable"]) == (503, "busy", True), answer
    assert answer.body["detail"] == "The database cannot serve at present. Nothing was done."
    assert int(answer.headers["retry-after"]) >= 1


def assert_all_is_well_again(till: Till, key: str, posted_before: int) -> None:
    answer = till.settle(key)
    assert (answer.status, answer.replayed) == (200, False)
    assert till.posted() == posted_before + 1


def test_a_read_only_database(till: Till) -> None:
    """As after a fail-over to a standby: new sessions are read-only."""
    key, before = str(uuid4()), till.posted()
    made = manage(till.bank.environment, "create_api_client", "till", "--user=supervisor", "--json")
    credentials = json.loads(made) | {"grant_type": "client_credentials", "scope": "accounts:read"}
    till.execute("ALTER DATABASE bank SET default_transaction_read_only = on")
    try:
        till.execute(_END_SESSIONS)
        assert_nothing_was_done(till.deposit(key))
        assert_nothing_was_done(till.deposit())
        assert_nothing_was_done(till.post("oauth/token/", credentials))
        assert till.readiness()["database"] == "is read-only"
    finally:
        with psycopg.connect(till.server.url, autocommit=True) as session:
            session.execute("SET default_transaction_read_only = off")
            session.execute("ALTER DATABASE bank RESET default_transaction_read_only")
    # Every kept connection is still read-only. The first write on each one replaces it.
    assert_all_is_well_again(till, key, before)
    for _ in range(8):
        till.deposit()
    assert till.deposit().status == 200
    assert till.post("oauth/token/", credentials).body["token_type"] == "Bearer"


def test_no_connection_left(till: Till) -> None:
    key, before = str(uuid4()), till.posted()
    till.execute(_END_SESSIONS)
    with _every_connection_taken(till.server):
        assert_nothing_was_done(till.deposit(key))
        assert till.readiness()["database"] == "does not answer"
    assert_all_is_well_again(till, key, before)


@contextmanager
def _every_connection_taken(server: PostgresqlServer) -> Iterator[None]:
    sessions: list[psycopg.Connection[Any]] = []
    try:
        with suppress(psycopg.OperationalError):
            while len(sessions) <= MAX_CONNECTIONS:
                sessions.append(psycopg.connect(server.url))
        assert len(sessions) <= MAX_CONNECTIONS
        yield
    finally:
        for session in sessions:
            session.close()


@pytest.mark.parametrize("mode", ["smart", "fast", "immediate"])
def test_a_restart_of_the_database(till: Till, mode: str) -> None:
    """A smart stop waits for sessions to end, and admits no new ones."""
    key, before = str(uuid4()), till.posted()
    assert till.deposit().status == 200  # So there are kept connections.
    with psycopg.connect(till.server.url, autocommit=True) as session:
        stopping = Thread(lambda: till.server.stop(mode)).start()
        if mode == "smart":
            session.execute(_END_SESSIONS)
            assert_nothing_was_done(till.deposit(key))
            session.execute(_END_SESSIONS)
    stopping.result()
    assert_nothing_was_done(till.deposit(key))
    assert till.readiness()["database"] == "does not answer"
    till.server.start()
    assert_all_is_well_again(till, key, before + 1)


def test_a_full_disk(till: Till, tmp_path: Path) -> None:
    key, before = str(uuid4()), till.posted()
    with _small_place(till.server) as folder:
        till.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
        till.execute("ALTER TABLE transactions_transaction SET TABLESPACE small")
        filler = folder / "filler"
        with filler.open("wb") as file, suppress(OSError):
            while True:
                file.write(bytes(8192))
                file.flush()
        refused = eventually(lambda: _if_busy(till.deposit(key=str(uuid4()))))
        assert_nothing_was_done(refused)
        in_between = till.posted()
        assert_nothing_was_done(till.deposit(key))
        assert till.posted() == in_between
        assert "has no room left on its disk" in {till.readiness()["database"] for _ in range(20)}
        filler.unlink()
        assert_all_is_well_again(till, key, in_between)
        till.execute("ALTER TABLE transactions_transaction SET TABLESPACE pg_default")
        till.execute("DROP TABLESPACE small")
    assert before < till.posted()


def _if_busy(answer: Answer) -> Answer | None:
    return answer if answer.code == "busy" else None


@contextmanager
def _small_place(server: PostgresqlServer) -> Iterator[Path]:
    """An empty folder of the server's user on a disk of a megabyte."""
    folder = server.folder / "small"
    folder.mkdir()
    try:
        with small_disk(folder, megabytes=1):
            place = folder / "place"
            place.mkdir()
            owner = server.data_dir.stat()
            os.chown(place, owner.st_uid, owner.st_gid)
            place.chmod(0o700)
            yield place
    except NoSmallDisk:
        pytest.skip(NO_FULL_DISK)


@pytest.mark.parametrize("key", [None, "a-key"])
@pytest.mark.parametrize(
    ("what", "code", "tried"),
    [
        ("RAISE EXCEPTION 'x' USING ERRCODE = '53100'", "busy", 1),
        ("RAISE EXCEPTION 'x' USING ERRCODE = '25006'", "busy", 1),
        ("RAISE EXCEPTION 'x' USING ERRCODE = '40001'", "busy", 4),
        ("RAISE EXCEPTION 'x' USING ERRCODE = 'XX000'", "internal_error", 1),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", "outcome_unknown", 1),
    ],
)
def test_a_commit_that_fails(till: Till, what: str, code: str, tried: int, key: str | None) -> None:
    """The COMMIT is tried as often as the table says: once after a loss, with or without a key."""
    before = till.posted()
    key = key and f"{key}-{uuid4()}"
    till.execute(_AT_COMMIT.format(what=what))
    try:
        answer = till.deposit(key)
    finally:
        till.execute("DROP TRIGGER trouble_at_commit ON transactions_transaction")
    assert (answer.code, answer.body["retryable"]) == (code, code == "busy")
    assert ("retry-after" in answer.headers) == (code == "busy")
    assert till.bank.query("SELECT last_value FROM commits_tried") == [(tried,)]
    assert till.posted() == before
    assert_all_is_well_again(till, key or str(uuid4()), before)
