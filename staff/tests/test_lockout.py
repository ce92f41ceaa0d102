"""Guessing at passwords: how often, by whom, and what it does to others."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.test import Client

from staff.tests.helpers import (
    ADDRESS,
    INDEX,
    LOGIN,
    PASSWORD,
    browser,
    code_of,
    enrolled,
    log_in,
    make_staff,
    wrong_code_of,
)

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def failures(client: Client, times: int, username: str = "tessa") -> list[int]:
    return [log_in(client, username, "wrong").status_code for _ in range(times)]


def test_the_fifth_failure_locks_out_for_fifteen_minutes() -> None:
    make_staff()
    client = browser()
    with time_machine.travel(START, tick=False) as clock:
        assert failures(client, 5) == [200, 200, 200, 200, 429]
        refused = log_in(client)
        assert (refused.status_code, refused["Retry-After"]) == (429, "900")
        assert "Try again in 15 minutes" in refused.content.decode()
        clock.shift(899)
        # Trying meanwhile does not prolong it.
        assert log_in(client).status_code == 429
        clock.shift(2)
        assert log_in(client).status_code == 302
        assert client.get(INDEX).status_code == 200
    assert AccessLog.objects.get().username == "tessa"


def test_only_the_pair_of_user_and_address_is_locked_out() -> None:
    make_staff()
    make_staff("susan")
    client = browser()
    assert failures(client, 5)[-1] == 429
    assert log_in(client, "susan").status_code == 302
    assert log_in(browser("192.0.2.2")).status_code == 302
    assert log_in(browser()).status_code == 429


def test_a_proxy_in_front_makes_no_difference(settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    make_staff()
    first, second = (
        Client(REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": f"203.0.113.9, {address}"})
        for address in (ADDRESS, "192.0.2.2")
    )
    assert failures(first, 5)[-1] == 429
    assert log_in(second).status_code == 302
    assert AccessAttempt.objects.get().ip_address == ADDRESS


def test_another_browser_does_not_start_anew() -> None:
    make_staff()
    answers = [
        log_in(
            Client(REMOTE_ADDR=ADDRESS, headers={"User-Agent": f"browser {number}"}), "tessa", ""
        )
        for number in range(2)
    ]
    answers += [
        log_in(Client(REMOTE_ADDR=ADDRESS, headers={"User-Agent": f"other {number}"}), "tessa", "x")
        for number in range(5)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 200, 200, 429]


def test_success_starts_the_count_anew() -> None:
    make_staff()
    client = browser()
    for _ in range(2):
        assert failures(client, 4) == [200] * 4
        assert log_in(client).status_code == 302


def test_wrong_codes_count_as_well() -> None:
    key, _ = enrolled(make_staff())
    client = browser()
    codes = [wrong_code_of(key)] * 5
    statuses = [log_in(client, code=code).status_code for code in codes]
    assert statuses == [200, 200, 200, 200, 429]
    assert log_in(client, code=code_of(key)).status_code == 429


def test_nothing_secret_is_kept_of_a_failure() -> None:
    key, _ = enrolled(make_staff())
    code = wrong_code_of(key)
    browser().post(
        f"{LOGIN}?password=typed&code={code}",
        {"username": "tessa", "password": PASSWORD, "code": code},
    )
    kept = AccessAttempt.objects.values().get()
    assert kept["failures_since_start"] == 1
    assert [value for value in kept.values() if PASSWORD in str(value) or code in str(value)] == []
    assert "typed" not in str(kept)


def test_0_failures_switch_the_lockout_off(settings: Any) -> None:
    settings.AXES_LOCK_OUT_AT_FAILURE = False
    make_staff()
    assert failures(browser(), 7) == [200] * 7


def test_superusers_read_of_logins_and_change_nothing(admin_client: Client) -> None:
    make_staff()
    failures(browser(), 1)
    log_in(browser("192.0.2.2"))
    for model, row in (("accessfailurelog", AccessFailureLog), ("accesslog", AccessLog)):
        kept = row.objects.get(username="tessa")
        for path in (f"/admin/axes/{model}/", f"/admin/axes/{model}/{kept.pk}/change/"):
            answer = admin_client.get(path)
            assert answer.status_code == 200
            assert "tessa" in answer.content.decode()
            assert admin_client.post(path, {"username": "other"}).status_code == 403
        assert admin_client.get(f"/admin/axes/{model}/add/").status_code == 403
