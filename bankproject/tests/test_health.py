"""GET health/ and health/ready/."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder

from bankproject import health
from tests.api import API, anonymous

HEALTH, READY = f"{API}health/", f"{API}health/ready/"
ALL_WELL = {"database": "ok", "migrations": "ok", "guards": "ok"}


def test_health_asks_nothing_of_the_database() -> None:
    """No mark: a query would fail this test."""
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
    assert response.json()["checks"].items() >= ALL_WELL.items()
    assert set(response.json()["checks"].values()) == {"ok"}


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


def test_a_database_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> str:
        raise DatabaseError("connection refused by secret-host:5432")

    monkeypatch.setattr(health, "_migrations", fail)
    response = anonymous().get(READY)
    assert response.status_code == 503
    assert response.json()["checks"]["database"] == "does not answer"
    assert b"secret-host" not in response.content


@pytest.mark.parametrize("path", [HEALTH, READY])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_probes_are_only_read(path: str, method: str) -> None:
    send: Callable[..., Any] = getattr(anonymous(), method)
    response = send(path)
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response["Allow"]
