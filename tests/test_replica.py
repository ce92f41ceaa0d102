"""Reads on a real streaming standby: what goes there, what never does, and what it survives."""

import csv
import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from bankproject.metrics import database
from core import clock, replica
from core.errors import NotFound
from core.stand_in import REPLICA, on_primary
from tests.api import API, account_path, client_of, make_user, staff
from tests.crash.processes import eventually
from tests.factories import deposit, make_account, make_statement
from tests.replica import caught_up, following_standby, replica_on
from tests.standby import Standby
from transactions.models import Transaction
from transactions.statistics.report import WantedStatistics, statistics
from transactions.statistics.spans import Calendar
from transactions.tests.verifier.test_damage import set_balance

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

STALE_OK = {"Prefer": "stale-ok"}


@pytest.fixture(scope="module")
def standby(django_db_setup: Any, django_db_blocker: Any) -> Iterator[Standby]:
    with django_db_blocker.unblock(), following_standby() as following:
        yield following


@pytest.fixture
def on_replica(standby: Standby, settings: Any, monkeypatch: Any) -> Iterator[Standby]:
    with replica_on(standby, settings, monkeypatch):
        yield standby


@pytest.fixture
def paused(on_replica: Standby) -> Iterator[Standby]:
    """Replay is paused: what is committed from now on is not on the standby."""
    on_replica.pause()
    try:
        yield on_replica
    finally:
        on_replica.resume()


def read_port() -> int:
    """The port of the server that answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inet_server_port()")
        (port,) = cursor.fetchone()
    return int(port)


def statements(action: Callable[[], Any], alias: str) -> list[str]:
    """What the action sends to this server."""
    with CaptureQueriesContext(connections[alias]) as seen:
        action()
    return [query["sql"] for query in seen]


def test_a_whole_read_is_one_moment_on_the_standby_and_cannot_write(on_replica: Standby) -> None:
    account = make_account(balance=7)

    def selector() -> tuple[int, int, str, bool]:
        port, number = read_port(), Account.objects.get(pk=account.pk).last_sequence
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('transaction_isolation'),"
                " current_setting('transaction_read_only')"
            )
            level, is_read_only = cursor.fetchone()
        return port, number, level, is_read_only

    assert replica.read(selector) == (on_replica.port, 1, "repeatable read", "on")
    assert read_port() != on_replica.port

    connections[REPLICA].ensure_connection()
    with connections[REPLICA].cursor() as cursor, pytest.raises(DatabaseError, match="read-only"):
        cursor.execute("UPDATE accounts_account SET name = 'Other'")
    with connections[REPLICA].cursor() as cursor:
        cursor.execute("SHOW default_transaction_read_only")
        assert cursor.fetchone() == ("on",)


def test_the_clock_is_that_of_the_primary(on_replica: Standby) -> None:
    def selector() -> int:
        assert statements(clock.now, REPLICA) == []
        with on_primary():
            return read_port()

    assert replica.read(selector) != on_replica.port
    assert read_port() != on_replica.port


def test_a_read_inside_a_transaction_stays_with_it(on_replica: Standby) -> None:
    with transaction.atomic():
        make_user("ada")
        assert replica.read(read_port) != on_replica.port


@pytest.mark.parametrize(
    "words", [["export_data"], ["verify_ledger", "--no-record"], ["query", "trial_balance"]]
)
def test_commands_read_there(words: list[str], on_replica: Standby, tmp_path: Path) -> None:
    make_account(balance="3.25")
    more = ["--dir", str(tmp_path)] if words == ["export_data"] else []
    out = StringIO()
    sent = statements(lambda: call_command(*words, *more, stdout=out), "default")
    assert [one for one in sent if "transactions_transaction" in one] == []
    assert "pg_current_wal_flush_lsn" in "".join(sent)
    if more:
        text = (tmp_path / "accounts.csv").read_text("utf-8")
        rows = list(csv.DictReader(StringIO(text)))
        assert [row["balance"] for row in rows if row["kind"] == "CUSTOMER"] == ["3.25"]
    elif words[0] == "query":
        assert "3.25" in out.getvalue()


def test_statistics_and_files_and_statements_read_there(on_replica: Standby) -> None:
    account = make_account(balance="3.25")
    statement = make_statement(account)
    today = Calendar().day_of(clock.now())
    wanted = WantedStatistics(first=today, end=today.fromordinal(today.toordinal() + 1))
    client = staff("teller")

    def asked(action: Callable[[], Any], table: str = "transactions_transaction") -> str:
        """Which servers were asked for rows of the table."""
        with CaptureQueriesContext(connections[REPLICA]) as there:
            here = statements(action, "default")
        both = {"standby": [query["sql"] for query in there], "primary": here}
        return " ".join(name for name, sent in both.items() if table in " ".join(sent))

    assert asked(lambda: statistics(wanted)) == "standby"
    for path in (
        f"{API}statistics/",
        f"{API}transactions/?format=csv",
        f"{API}transactions/?format=xlsx",
    ):
        assert asked(lambda: b"".join(client.get(path))) == "standby", path  # noqa: B023
    path = f"{API}statements/{statement.pk}/"
    assert asked(lambda: client.get(path), "statements_statement") == "standby"
    # A list that did not ask for it comes from the primary.
    assert asked(lambda: client.get(f"{API}transactions/")) == "primary"


def test_a_list_tells_its_age_and_who_writes_reads_the_write(on_replica: Standby) -> None:
    account = make_account(balance=5)
    teller = staff("teller")
    path = account_path(account, "transactions")
    assert teller.post(account_path(account, "deposit"), {"amount": "2"}).status_code == 200
    answer = teller.get(path, headers=STALE_OK)
    assert [row["amount"] for row in answer.json()["results"]] == ["2.00", "5.00"]
    assert answer["Preference-Applied"] == "stale-ok"
    assert float(answer["Replica-Lag"]) >= 0
    assert "Prefer" in answer["Vary"]
    plain = teller.get(path)
    assert not {"Preference-Applied", "Replica-Lag"} & set(plain.headers)
    assert plain.json()["results"] == answer.json()["results"]


def test_who_may_write_never_reads_an_old_list(
    paused: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica, "REQUEST_SECONDS", 0.05)
    owner = make_user("owner")
    account = make_account(balance=5, owner_id=owner.pk)
    path = account_path(account, "transactions")
    for user in (make_user("teller", role="teller"), owner):
        answer = client_of(user).get(path, headers=STALE_OK)
        assert len(answer.json()["results"]) == 1
        assert "Replica-Lag" not in answer


def test_who_only_reads_gets_an_older_list_within_the_bound(
    on_replica: Standby, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    account = make_account(balance=5)
    auditor = staff("auditor")
    path = account_path(account, "entries")
    caught_up(on_replica)
    on_replica.pause()
    try:
        deposit(account, 3)
        old = auditor.get(path, headers=STALE_OK)
        assert [row["amount"] for row in old.json()["results"]] == ["5.00"]
        assert 0 < float(old["Replica-Lag"]) <= settings.REPLICA_MAX_LAG_SECONDS
        # What is missing there may be only too new: the primary knows.
        newer = make_account(balance=1)
        found = auditor.get(account_path(newer, "transactions"), headers=STALE_OK)
        assert (found.status_code, "Replica-Lag" in found) == (200, False)
        settings.REPLICA_MAX_LAG_SECONDS, replica.REQUEST_SECONDS = 0, 0.05
        caplog.clear()
        fresh = auditor.get(path, headers=STALE_OK)
        assert [row["amount"] for row in fresh.json()["results"]] == ["3.00", "5.00"]
        assert "Replica-Lag" not in fresh
        line = "The replica is too far behind, so the primary serves its reads."
        assert [one.message for one in caplog.records if one.name == "core.replica"] == [line]
        # For a while it is not asked, nor waited for.
        assert statements(lambda: replica.read(read_port), "default") == [
            "SELECT inet_server_port()"
        ]
    finally:
        on_replica.resume()


def test_a_refusal_by_the_primary_is_the_answer(on_replica: Standby) -> None:
    def refuse() -> None:
        raise NotFound("There is none.")

    with pytest.raises(NotFound):
        replica.read(refuse)


def test_money_never_touches_it(on_replica: Standby) -> None:
    teller, account = staff("teller"), make_account(balance=9)
    path = account_path(account, "withdraw")
    headers = {"Idempotency-Key": "once", **STALE_OK}
    for expected in (None, "true"):
        with CaptureQueriesContext(connections[REPLICA]) as seen:
            answer = teller.post(path, {"amount": "2"}, headers=headers)
        assert (answer.status_code, answer.get("Idempotent-Replayed")) == (200, expected)
        assert len(seen) == 0
    assert teller.get(account_path(account)).json()["balance"] == "7.00"


def test_a_replica_that_is_gone_is_not_asked_for_a_while(
    standby: Standby, settings: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with replica_on(standby, settings, monkeypatch):
        standby.stop("immediate")
        try:
            caplog.clear()
            for _ in range(3):
                assert replica.read(read_port) != standby.port
            assert statements(lambda: replica.read(read_port), "default") == [
                "SELECT inet_server_port()"
            ]
        finally:
            standby.start()
        (line,) = [one.message for one in caplog.records if one.name == "core.replica"]
        assert line.startswith("The replica does not answer, so the primary serves its reads: ")
        caught_up(standby)
        monkeypatch.setattr(replica, "PAUSE_SECONDS", 0)
        replica._state.paused_until = 0
        caplog.set_level("INFO", "core.replica")
        assert replica.read(read_port) == standby.port
        assert caplog.messages[-1] == "The replica serves again."


@pytest.mark.parametrize("what", ["another database", "another bank's servers"])
def test_a_standby_of_something_else_is_never_read(
    what: str, on_replica: Standby, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if what == "another database":
        connections[REPLICA].settings_dict["NAME"] = "postgres"
    else:
        # Its log may be further than ours, so it seems to have everything.
        other = "SELECT '0/0', 7::bigint, current_database()"
        monkeypatch.setattr(replica, "_POSITION", other)
    assert replica.read(read_port) != on_replica.port
    (line,) = [one.message for one in caplog.records if one.name == "core.replica"]
    assert line == ("The replica is no standby of this database, so the primary serves its reads.")
    assert connections[REPLICA].connection is None


def test_a_replica_that_hangs_is_given_up(
    on_replica: Standby, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replica, "SILENCE_SECONDS", 0.1)
    assert replica.read(read_port) == on_replica.port
    hanging = psutil.Process(connections[REPLICA].connection.info.backend_pid)
    hanging.suspend()
    try:
        assert replica.read(read_port) != on_replica.port
    finally:
        hanging.resume()
    (line,) = [one.message for one in caplog.records if one.name == "core.replica"]
    assert line.startswith("The replica does not answer, so the primary serves its reads: ")
    replica.forget()
    assert replica.read(read_port) == on_replica.port


def test_a_read_that_began_before_a_pause_does_not_end_it(
    on_replica: Standby, caplog: pytest.LogCaptureFixture
) -> None:
    """Another thread finds that the replica is gone, while a long read goes on."""
    caplog.set_level("INFO", "core.replica")

    def long_read() -> int:
        replica._note(replica._Unusable(replica.AWAY))
        return read_port()

    assert replica.read(long_read) == on_replica.port
    assert replica.read(read_port) != on_replica.port
    assert caplog.messages == ["The replica does not answer, so the primary serves its reads."]


def test_the_primary_decides_what_a_verification_holds(
    on_replica: Standby, settings: Any, monkeypatch: Any
) -> None:
    """The books of the replica may differ, if a disk has failed; here it is old and says not so."""
    account = make_account(balance=5)

    def held() -> list[Any]:
        return list(Account.objects.filter(debits_held=True).values_list("pk", flat=True))

    def verify_with_replica_of(units: int, now: int) -> None:
        set_balance(account, units)
        caught_up(on_replica)
        on_replica.pause()
        try:
            set_balance(account, now)
            call_command("verify_ledger", stdout=StringIO())
        finally:
            on_replica.resume()

    old = replica._POSITION.replace("pg_current_wal_flush_lsn()", "'0/0'")
    monkeypatch.setattr(replica, "_POSITION", old)
    verify_with_replica_of(60_000, now=50_000)
    assert held() == []

    set_balance(account, 60_000)
    settings.HAS_REPLICA = False
    with pytest.raises(SystemExit):
        call_command("verify_ledger", stdout=StringIO())
    settings.HAS_REPLICA = True
    with pytest.raises(SystemExit):
        verify_with_replica_of(50_000, now=60_000)
    assert held() == [account.pk]


def test_an_export_whose_replica_dies_is_written_from_the_primary(
    standby: Standby, settings: Any, monkeypatch: Any, tmp_path: Path
) -> None:
    make_account(balance="3.25")
    with replica_on(standby, settings, monkeypatch):
        from transactions.exports import export as module

        write, asked = module._write, []

        def dying(reader: Any, target: Any) -> Any:
            asked.append(reader.alias)
            if len(asked) == 2:
                standby.kill9()
            return write(reader, target)

        monkeypatch.setattr(module, "_write", dying)
        try:
            call_command("export_data", "--dir", str(tmp_path), stdout=StringIO())
        finally:
            standby.start()
        first = asked.index("default")
        assert asked[:first] == [REPLICA] * 2
        assert len(asked[first:]) == len(module.FILES)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert len(manifest["files"]) == len(module.FILES)
    # With the manifest and the lock.
    assert len(list(tmp_path.iterdir())) == len(module.FILES) + 2


def test_a_cancelled_read_is_read_on_the_primary_but_not_a_long_one(on_replica: Standby) -> None:
    def conflict() -> int:
        if (port := read_port()) == on_replica.port:
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION USING errcode = '40001'; END $$")
        return port

    def too_long() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 1")
            cursor.execute("SELECT pg_sleep(5)")

    assert replica.read(conflict) != on_replica.port
    assert replica.read(read_port) == on_replica.port
    with CaptureQueriesContext(connection) as seen, pytest.raises(DatabaseError):
        replica.read(too_long)
    sent = [query["sql"] for query in seen]
    assert [one for one in sent if "pg_sleep" in one] == []


def test_metrics_tell_its_lag_and_that_it_is_gone(on_replica: Standby, settings: Any) -> None:
    def told() -> dict[str, float]:
        read = database.read({})["values"]
        return {name: value for name, _, value in read if name.startswith("bank_replica_")}

    def is_level() -> bool:
        return told() == {"bank_replica_up": 1, "bank_replica_lag_seconds": 0}

    make_account(balance=5)
    eventually(is_level)
    on_replica.pause()
    try:
        make_account(balance=5)
        assert told()["bank_replica_lag_seconds"] > 0
    finally:
        on_replica.resume()
    on_replica.stop("immediate")
    try:
        assert told() == {"bank_replica_up": 0}
    finally:
        on_replica.start()
    settings.HAS_REPLICA = False
    assert told() == {}


def test_without_a_replica_a_read_costs_nothing() -> None:
    Transaction.objects.count()
    assert statements(lambda: replica.read(read_port), "default") == ["SELECT inet_server_port()"]
