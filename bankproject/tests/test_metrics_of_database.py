"""What metrics read from the database: right, bounded, and once in an interval."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import OperationalError, connection
from django.test import override_settings
from django.utils import timezone

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount
from accounts.states import FreezeScope
from bankproject.metrics import cache, database
from bankproject.metrics.database import PARTS
from bankproject.metrics.shown import of_database
from core.commands import Origin
from core.identifiers import uuid7
from seals.models import Seal
from tests.api import make_user
from tests.factories import deposit, make_account, make_file, make_limit_request, run
from tests.plans import nodes, plan_of, statements_of
from transactions.commands import Deposit, PlaceHold, VoidHold, Withdraw
from transactions.ledger.processor import process
from transactions.models import ArchiveRun, Verification
from transactions.tests.queueing import ORIGIN, queue_up
from webhooks import endpoints, replay
from webhooks.models import Endpoint

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
LARGE = override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(1000)})


@pytest.fixture(autouse=True)
def _a_new_reading() -> Iterator[None]:
    cache.forget()
    yield
    cache.forget()


def values() -> dict[Any, float]:
    """By name, and by the values of labels where there are any."""
    cache.forget()
    return {
        (sample.name, *sample.labels.values()) if sample.labels else sample.name: sample.value
        for metric in of_database()
        for sample in metric.samples
    }


def test_accounts_balances_and_overdrafts() -> None:
    make_account(balance="10.10")
    frozen, closed, owing = make_account(balance=2), make_account(), make_account()
    make_account(balance=7, currency="JPY")
    run(FreezeAccount(account_id=frozen.id, scope=FreezeScope.ALL, reason="x"))
    run(CloseAccount(account_id=closed.id, reason="x"))
    run(ChangeOverdraftLimit(account_id=owing.id, overdraft_limit=Decimal(50), reason="x"))
    run(Withdraw(account_id=owing.id, amount=Decimal("30.25")))
    found = values()
    assert found["bank_accounts", "ACTIVE"] == 3
    assert found["bank_accounts", "FROZEN"] == found["bank_accounts", "CLOSED"] == 1
    assert found["bank_customers_balance_amount", "USD"] == pytest.approx(-18.15)
    assert found["bank_customers_balance_amount", "JPY"] == 7
    assert found["bank_overdraft_used_amount", "USD"] == 30.25
    assert found["bank_overdraft_used_amount", "JPY"] == 0


@LARGE
def test_queue_and_approvals() -> None:
    account = make_account()
    assert values()["bank_queue_transactions"] == 0
    later = timezone.now() + timedelta(hours=1)
    queue_up(
        Deposit(account_id=account.id, amount=Decimal(1)),
        Deposit(account_id=account.id, amount=Decimal(1), scheduled_for=later),
        Deposit(account_id=account.id, amount=Decimal(1000)),
    )
    make_limit_request(account, created_at=timezone.now() - timedelta(hours=2))
    for hours, name in ((3, "early.csv"), (1, "late.csv")):
        with time_machine.travel(timezone.now() - timedelta(hours=hours)):
            make_file(account, make_user(f"maker-{hours}", role="teller"), name=name)
    found = values()
    assert found["bank_queue_transactions"] == 1
    assert 0 <= found["bank_queue_oldest_age_seconds"] < 600
    assert found["bank_approvals_waiting", "transaction"] == 1
    assert found["bank_approvals_waiting", "limit"] == 1
    assert 7200 <= found["bank_approvals_oldest_age_seconds", "limit"] < 7800
    assert found["bank_approvals_oldest_age_seconds", "transaction"] < 600
    assert found["bank_approvals_waiting", "file"] == 2
    assert 10800 <= found["bank_approvals_oldest_age_seconds", "file"] < 11400


def test_open_holds() -> None:
    account = make_account(balance=9)
    assert values()["bank_holds_open"] == 0
    held = [run(PlaceHold(account_id=account.id, amount=Decimal(2))) for _ in range(3)]
    run(VoidHold(hold_id=held[0].pk))
    assert values()["bank_holds_open"] == 2


def test_webhooks() -> None:
    names = ("bank_webhook_deliveries_waiting", "bank_webhook_oldest_waiting_age_seconds")
    states = [("bank_webhooks", state) for state in ("on", "failing", "off")]
    found = values()
    assert [found[one] for one in (*states, *names)] == [0] * 5
    customer = Origin(as_customer=True)
    now = timezone.now()
    made = [
        endpoints.make(make_user(f"u{n}"), customer, url="https://shop.example/")[0]
        for n in range(6)
    ]
    for number, endpoint in enumerate(made):
        with time_machine.travel(now - timedelta(hours=6 - number)):
            for _ in range(2):
                replay.send_test(endpoint, customer)
    for endpoint in made[:3]:
        endpoints.change(endpoint, customer, {"is_on": False})
    Endpoint.objects.filter(pk__in=[one.pk for one in made[3:5]]).update(failing_since=now)
    replay.skip(made[3], customer, made[3].deliveries.latest("id").event_id)
    found = values()
    assert [found[one] for one in states] == [1, 2, 3]
    assert found[names[0]] == 5
    assert 3 * 3600 - 60 <= found[names[1]] < 3 * 3600 + 600


def test_without_webhooks_they_cost_one_statement() -> None:
    assert len(statements_of(lambda: list(PARTS["webhooks"]()))) == 1


def test_the_books_and_the_archive() -> None:
    assert not {"bank_books_sound", "bank_archive_age_seconds"} & set(values())
    now = timezone.now()
    for hours, is_sound in ((3, True), (1, False)):
        at = now - timedelta(hours=hours)
        Verification.objects.create(id=uuid7(at), started_at=at, finished_at=at, is_sound=is_sound)
        ArchiveRun.objects.create(
            id=uuid7(at), started_at=at, finished_at=at, problem="" if hours == 3 else "x"
        )
    found = values()
    assert found["bank_books_sound"] == 0
    assert 3600 <= found["bank_verification_age_seconds"] < 4200
    assert 3 * 3600 <= found["bank_archive_age_seconds"] < 3 * 3600 + 600


def test_duties_beyond_their_limits() -> None:
    assert values()["bank_duty_overdue", "verification"] == 0
    long_ago = timezone.now() - timedelta(days=4)
    with time_machine.travel(long_ago, tick=False):
        make_account(balance=5)
    found = values()
    assert found["bank_duty_overdue", "verification"] == 1
    assert found["bank_duty_overdue", "archive"] == found["bank_duty_overdue", "worker"] == 0
    with override_settings(ARCHIVE_AFTER_DAYS=1, ARCHIVE_LIMIT_HOURS=71):
        assert values()["bank_duty_overdue", "archive"] == 1, "an archive that never ran"
    with override_settings(ARCHIVE_AFTER_DAYS=1, ARCHIVE_LIMIT_HOURS=73):
        assert values()["bank_duty_overdue", "archive"] == 0
    with override_settings(VERIFICATION_LIMIT_HOURS=97):
        assert values()["bank_duty_overdue", "verification"] == 0


def test_seals() -> None:
    at = timezone.now() - timedelta(hours=3)
    with time_machine.travel(at - timedelta(minutes=10)):
        account = make_account(balance=5)
    found = values()
    assert found["bank_unsealed_entries"] == 1
    assert "bank_seal_age_seconds" not in found
    Seal.objects.create(
        id=uuid7(at), number=1, sealed_at=at, root="", ranges=1, entries=1, total_entries=1,
        public_key="", digest="", signature="",
    )  # fmt: skip
    with time_machine.travel(at + timedelta(minutes=10)):
        deposit(account, 1)
    deposit(account, 1)
    found = values()
    assert found["bank_unsealed_entries"] == 2
    assert 3 * 3600 <= found["bank_seal_age_seconds"] < 3 * 3600 + 600
    assert found["bank_duty_overdue", "seal"] == 0
    with override_settings(SEAL_LIMIT_HOURS=2):
        assert values()["bank_duty_overdue", "seal"] == 1


def test_two_parts_that_cost_much_are_not_read_at_once() -> None:
    """The first reading has all parts. Later ones read one part that is due, the oldest first."""
    parts = {"accounts", "jobs", "seals"}

    def read_parts(last: dict[str, Any], now: datetime) -> tuple[dict[str, Any], set[str]]:
        with time_machine.travel(now, tick=False):
            reading = database.read(last)
        assert set(reading["kept"]) == parts
        assert all(value == 1 for name, _, value in reading["values"] if name.endswith("read_ok"))
        return reading, {name for name in parts if reading["kept"][name]["at"] == now.timestamp()}

    every, seldom = settings.METRICS_INTERVAL_SECONDS, database.SELDOM["accounts"]
    reading, read = read_parts({}, NOON)
    assert read == parts
    seen = []
    for number in range(1, 3 * seldom):
        reading, read = read_parts(reading, NOON + timedelta(seconds=every * number))
        seen.append(len(read))
        assert len(read) <= 1
    first = seldom - 1
    assert seen == [0] * first + 2 * ([1] * 3 + [0] * (first - 2))


def test_the_database_itself() -> None:
    found = values()
    assert found["bank_database_up"] == 1
    assert found["bank_database_size_bytes"] > 100_000
    assert all(value for name, value in found.items() if name[0] == "bank_metrics_read_ok")
    if connection.vendor == "postgresql":
        assert found["bank_database_connections", "active"] >= 1
        assert found["bank_database_connections_limit"] >= 10
        assert found["bank_database_standbys"] == 0
        assert found["bank_table_size_bytes", "transactions_transaction"] > 0
        for table in ("accounts_account", "customers_customer"):
            assert ("bank_table_rows", table) in found
        assert "bank_database_replication_lag_seconds" not in found


def test_it_is_read_once_in_an_interval() -> None:
    with override_settings(METRICS_INTERVAL_SECONDS=60):
        statements = statements_of(lambda: [list(of_database()) for _ in range(3)])
    assert 0 < len(statements) <= 81
    with override_settings(METRICS_INTERVAL_SECONDS=60):
        assert statements_of(lambda: list(of_database())) == []
    with override_settings(METRICS_INTERVAL_SECONDS=0):
        assert statements_of(lambda: list(of_database()))


def test_accounts_are_read_once_in_six_intervals() -> None:
    def shown() -> list[float]:
        return [
            sample.value
            for metric in of_database()
            for sample in metric.samples
            if sample.labels.get("status") == "ACTIVE" or metric.name == "bank_books_sound"
        ]

    with (
        override_settings(METRICS_INTERVAL_SECONDS=10),
        time_machine.travel(NOON, tick=False) as clock,
    ):
        make_account()
        assert shown() == [1]
        make_account()
        Verification.objects.create(
            id=uuid7(NOON), started_at=NOON, finished_at=NOON, is_sound=True
        )
        # The reading of seals is due first.
        for seconds, expected in ((9, [1]), (2, [1, 1]), (59, [1, 1]), (11, [1, 2])):
            clock.shift(seconds)
            assert shown() == expected, seconds


def test_a_database_that_is_down_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(OperationalError):
        sqlstate = "57P03"

    def gone() -> None:
        raise Gone from Gone()

    monkeypatch.setitem(database.PARTS, "database", gone)
    found = values()
    assert found["bank_database_up"] == 0
    assert not [name for name in found if "accounts" in str(name) and "read_ok" not in str(name)]


def test_a_part_that_takes_too_long_is_left_out_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite ends no statement")
    slow = database._ACCOUNTS.replace("count(*)", "count(*) + (SELECT 0 FROM pg_sleep(9))")
    make_account()
    monkeypatch.setattr(database, "_ACCOUNTS", slow)
    found = values()
    assert found["bank_database_up"] == 1
    assert found["bank_metrics_read_ok", "accounts"] == 0
    assert found["bank_metrics_read_ok", "tables"] == 1
    assert ("bank_accounts", "ACTIVE") not in found
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("20s",)


@pytest.mark.postgresql
def test_no_statement_reads_the_journal() -> None:
    """So they cost the same at 1,000,000: plans read small partial indexes, within bounds."""
    account = make_account(balance=10**6)
    deposits = [Deposit(account_id=account.id, amount=Decimal(1))] * 5000
    process(deposits, ORIGIN)
    queue_up(*deposits[:3])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    read = [
        one
        for one in statements_of(lambda: database.read({}))
        if "transactions_transaction" in one[0]
    ]
    assert len(read) >= 3
    for statement in read:
        for node in nodes(plan_of(statement)):
            if node.get("Relation Name") == "transactions_transaction":
                assert node["Node Type"] != "Seq Scan", statement
                assert node["Actual Rows"] <= 10, statement
