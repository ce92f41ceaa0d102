"""GET health/ and health/ready/."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import Error, InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from bankproject import health
from core.tests.test_startup import DATABASE_ERRORS
from tests.api import API, anonymous
from tests.factories import make_account
from transactions.commands import Withdraw
from transactions.tests.queueing import queue_up, work

HEALTH, READY = f"{API}health/", f"{API}health/ready/"
UNKNOWN = dict.fromkeys(("rights", "timeouts", "migrations", "guards", "queue"), "unknown")
ALL_WELL = dict.fromkeys(("database", *UNKNOWN), "ok")
DUTIES = dict.fromkeys(
    ("worker", "verification", "archive", "mail", "seal", "jobs", "webhooks"), "ok"
)


def test_health_asks_nothing_of_the_database() -> None:
    """The test has no database mark, so a query would fail it."""
    response = anonymous().get(HEALTH)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response.content == b'{"status":"ok"}'


@pytest.mark.django_db
def test_ready() -> None:
    response = anonymous().get(READY)
    assert response.status_code == 200
    assert response.json()["status"] == "ok"
    assert response.json()["checks"] == ALL_WELL


@pytest.mark.django_db
def test_a_database_that_is_not_migrated_is_not_ready() -> None:
    MigrationRecorder.Migration.objects.filter(app="transactions").delete()
    response = anonymous().get(READY)
    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["checks"]["migrations"].endswith(" not applied")
    assert response.json()["checks"]["database"] == "ok"


@pytest.mark.django_db
def test_a_database_without_its_guards_is_not_ready() -> None:
    name = "transactions_transaction_identity"
    with connection.cursor() as cursor:
        on = "" if connection.vendor == "sqlite" else " ON transactions_transaction"
        cursor.execute(f"DROP TRIGGER {name}{on}")
    response = anonymous().get(READY)
    assert response.status_code == 503
    assert response.json()["checks"]["guards"] == "1 missing"
    assert response.json()["checks"]["migrations"] == "ok"


@pytest.mark.django_db
def test_a_queue_that_is_behind_is_not_ready(settings: Any) -> None:
    settings.QUEUE_LAG_LIMIT_SECONDS = 90
    account, now = make_account(balance=30), timezone.now()
    command = Withdraw(account_id=account.id, amount=Decimal(7))
    with time_machine.travel(now, tick=False):
        queue_up(command)
    for seconds, result in ((0, "ok"), (90, "ok"), (90.9, "ok"), (91, "behind by 91 s")):
        with time_machine.travel(now + timedelta(seconds=seconds), tick=False):
            response = anonymous().get(READY)
        assert response.json()["checks"] == {**ALL_WELL, "queue": result}
        assert response.status_code == (200 if result == "ok" else 503)
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        assert work() == 1
        answer = anonymous().get(READY).json()
        assert answer == {"status": "ok", "checks": ALL_WELL, "duties": DUTIES}


@pytest.mark.django_db
def test_what_is_not_due_does_not_count_as_behind(settings: Any) -> None:
    settings.QUEUE_LAG_LIMIT_SECONDS = 0
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account, now = make_account(balance=30), timezone.now()
    with time_machine.travel(now, tick=False):
        queue_up(
            Withdraw(account_id=account.id, amount=Decimal(60)),
            Withdraw(
                account_id=account.id, amount=Decimal(7), scheduled_for=now + timedelta(hours=9)
            ),
        )
    with time_machine.travel(now + timedelta(hours=9), tick=False):
        assert anonymous().get(READY).json()["checks"]["queue"] == "ok"
    with time_machine.travel(now + timedelta(hours=9, seconds=5), tick=False):
        assert anonymous().get(READY).json()["checks"]["queue"] == "behind by 5 s"


@pytest.mark.parametrize("part", ["_database", "_rights", "_timeouts", "_queue"])
@pytest.mark.parametrize("kind", DATABASE_ERRORS)
def test_any_error_of_the_database_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, kind: type[Error], part: str
) -> None:
    def fail() -> str:
        raise kind("connection refused by secret-host:5432")

    monkeypatch.setattr(connection, "close_at", None, raising=False)
    for name in ("_database", "_rights", "_timeouts", "_migrations", "_guards", "_queue"):
        monkeypatch.setattr(health, name, fail if name == part else lambda: "ok")
    response = anonymous().get(READY)
    assert response.status_code == 503
    words = "does not answer" if kind in (OperationalError, InterfaceError) else "failed"
    assert response.json()["checks"] == {"database": words, **UNKNOWN}
    assert b"secret-host" not in response.content
    assert "secret-host" in caplog.text


def test_duties_that_cannot_be_read_are_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> dict[str, str]:
        raise InterfaceError("connection refused by secret-host:5432")

    monkeypatch.setattr(connection, "close_at", None, raising=False)
    monkeypatch.setattr(health, "readiness", lambda: ALL_WELL)
    monkeypatch.setattr(health.duties, "in_health", fail)
    response = anonymous().get(READY)
    assert (response.status_code, response.json()["checks"]) == (200, ALL_WELL)
    assert response.json()["duties"] == dict.fromkeys(DUTIES, "unknown")


@pytest.mark.parametrize("path", [HEALTH, READY])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_probes_are_only_read(path: str, method: str) -> None:
    send: Callable[..., Any] = getattr(anonymous(), method)
    response = send(path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response["Allow"]
