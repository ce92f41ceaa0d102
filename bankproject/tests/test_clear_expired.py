"""`clear_expired` removes expired rows, once, and nothing else."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from axes.models import AccessFailureLog, AccessLog
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection
from django.utils import timezone
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from clients.registry import create_client, issue_token
from core.commands import Origin
from core.identifiers import uuid7
from staff.models import StaffSession
from tests.api import make_user
from tests.clock import clocks_apart
from webhooks import endpoints
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db

MODELS = (AccessToken, StaffSession, Session, AccessLog, AccessFailureLog, Delivery)


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("clear_expired", *arguments, stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def keys() -> list[set[Any]]:
    return [set(model._default_manager.values_list("pk", flat=True)) for model in MODELS]


@pytest.fixture
def bank(settings: Any) -> list[set[Any]]:
    """Expired and valid rows of each kind. Returns the keys of the valid ones."""
    settings.LOGIN_RETENTION_DAYS = 10
    now, user = timezone.now(), make_user("ada")
    past, future = now - timedelta(seconds=1), now + timedelta(hours=1)
    client, _ = create_client("Program", user=user, scopes=["accounts:read"])
    issue_token(client)
    AccessToken.objects.update(expires=past)
    issue_token(client)
    ended = {"expire_date": past, "session_data": ""}
    live = {"expire_date": future, "session_data": ""}
    idle = now - timedelta(minutes=31)
    for key, fields in {
        "over": ended,
        "idle": live | {"user": user, "seen_at": idle},
        "live": live | {"user": user, "seen_at": now},
    }.items():
        StaffSession.objects.create(session_key=key, **fields)
    Session.objects.create(session_key="over", **ended)
    Session.objects.create(session_key="live", **live)
    for log in (AccessLog, AccessFailureLog):
        for _ in range(2):
            log.objects.create(username="ada")
        oldest = log.objects.earliest("pk")
        log.objects.filter(pk=oldest.pk).update(attempt_time=now - timedelta(days=11))
    endpoint, _ = endpoints.make(
        user, Origin(caller="user:1", as_customer=True), url="https://shop.example/"
    )
    old = now - timedelta(days=31)
    for at, ended_at in ((old, old), (old, None), (old, now), (now, now)):
        delivery: dict[str, Any] = {"endpoint": endpoint, "event_id": endpoint.pk, "created_at": at}
        status = "DELIVERED" if ended_at else "WAITING"
        Delivery.objects.create(id=uuid7(at), ended_at=ended_at, status=status, **delivery)
    kept = keys()
    kept[0] = {AccessToken.objects.latest("pk").pk}
    kept[1], kept[2] = {"live"}, {"live"}
    kept[3:5] = [{log.objects.latest("pk").pk} for log in (AccessLog, AccessFailureLog)]
    kept[5] -= {Delivery.objects.get(ended_at=old).pk}
    return kept


COUNTS = {"tokens": 1, "sessions": 3, "deliveries": 1, "logins": 2}


def test_expired_rows_are_removed_once(bank: list[set[Any]]) -> None:
    used_at = ApiClient.objects.get().last_token_at
    before = keys()
    assert run("--dry-run") == {"dry_run": True, **COUNTS}
    assert keys() == before
    assert run() == {"dry_run": False, **COUNTS}
    assert keys() == bank
    assert run() == {"dry_run": False, **dict.fromkeys(COUNTS, 0)}
    assert keys() == bank
    assert ApiClient.objects.get().last_token_at == used_at is not None


@pytest.mark.postgresql
@pytest.mark.parametrize(("wrong", "removed"), [(timedelta(days=2), 0), (timedelta(days=-2), 1)])
def test_tokens_are_over_by_the_clock_of_the_bank(wrong: timedelta, removed: int) -> None:
    """By the host's clock, a valid token would be removed, or an expired one kept."""
    client, _ = create_client("Program", user=make_user("ada"), scopes=["accounts:read"])
    issue_token(client)
    if removed:
        AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with clocks_apart(), time_machine.travel(timezone.now() + wrong):
        assert run()["tokens"] == removed


def test_records_of_logins_may_stay_for_ever(bank: list[set[Any]], settings: Any) -> None:
    settings.LOGIN_RETENTION_DAYS = 0
    assert run() == {"dry_run": False, "tokens": 1, "sessions": 3, "deliveries": 1}
    assert [len(each) for each in keys()[3:5]] == [2, 2]


def test_a_role_without_the_right_is_told_so(
    bank: list[set[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise ProgrammingError("permission denied for table axes_accesslog\nmore")

    monkeypatch.setattr("bankproject.management.commands.clear_expired._remove", refuse)
    with pytest.raises(CommandError, match="permission denied for table axes_accesslog"):
        run()


@pytest.mark.postgresql
def test_the_role_of_web_processes_leaves_records_of_logins(bank: list[set[Any]]) -> None:
    """All else is removed, so that the job of the workers succeeds."""
    told, printed = StringIO(), StringIO()
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE like_bank_app")
        cursor.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO like_bank_app")
        cursor.execute(
            "REVOKE DELETE ON axes_accesslog, staff_failedloginorigin FROM like_bank_app"
        )
        cursor.execute("SET ROLE like_bank_app")
        call_command("clear_expired", stderr=told, stdout=printed)
        cursor.execute("RESET ROLE")
    assert json.loads(printed.getvalue()) == {"dry_run": False, **COUNTS, "logins": 0}
    expected = "2 old records of logins are left: only the owner of the database may remove them.\n"
    assert told.getvalue() == expected
    assert [len(each) for each in keys()] == [1, 1, 1, 2, 2, 3]
