"""Guessing passwords: the limit, who is counted, and that others are not affected."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

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
        # An attempt during the lockout does not prolong it.
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


@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2::{number:x}" for number in range(1, 6)],
        ["192.0.2.9", "::ffff:192.0.2.9", "0:0:0:0:0:ffff:192.0.2.9", "::FFFF:c000:209"] * 2,
    ],
)
def test_addresses_of_one_host_count_together(addresses: list[str]) -> None:
    make_staff()
    tried = [log_in(browser(each), "tessa", "wrong").status_code for each in addresses[:5]]
    assert tried == [200, 200, 200, 200, 429]
    assert log_in(browser("2001:db8:1:3::1")).status_code == 302


def test_wrong_codes_from_elsewhere_do_not_keep_the_owner_out_at_a_usual_address() -> None:
    key, _ = enrolled(make_staff())
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        clock.shift(60)
        assert log_in(browser(), code=code_of(key)).status_code == 302
        for number in range(20):
            log_in(browser(f"198.51.100.{number}"), code=wrong_code_of(key))
            clock.shift(1000)
        log_in(browser("198.51.100.99"), code=wrong_code_of(key))
        assert log_in(browser("203.0.113.1"), code=code_of(key)).status_code == 200
        assert log_in(browser(), code=code_of(key)).status_code == 302


@pytest.mark.parametrize("days", [0, 91])
def test_an_address_is_usual_by_a_code_and_for_a_time(days: int) -> None:
    """A password alone, before enrolment, does not make it usual, and it does not last forever."""
    user = make_staff()
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        log_in(browser())
        clock.shift(60)
        key, _ = enrolled(user)
        if days:
            clock.shift(60)
            assert log_in(browser(), code=code_of(key)).status_code == 302
            clock.shift(days * 24 * 3600)
        log_in(browser("198.51.100.1"), code=wrong_code_of(key))
        assert log_in(browser(), code=code_of(key)).status_code == 200


def test_the_wait_after_wrong_codes_is_bounded() -> None:
    key, _ = enrolled(make_staff())
    TOTPDevice.objects.update(
        throttling_failure_count=60, throttling_failure_timestamp=datetime.now(UTC)
    )
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        clock.shift(2**9 - 2)
        assert log_in(browser(), code=code_of(key)).status_code == 200
        clock.shift(3)
        assert log_in(browser(), code=code_of(key)).status_code == 302


def test_a_backup_code_never_has_to_wait() -> None:
    key, backup_codes = enrolled(make_staff())
    for number in range(6):
        log_in(browser(f"198.51.100.{number}"), code=wrong_code_of(key))
        log_in(browser(f"198.51.100.{number}"), code="aaaa-aaaa-aaaa-aaaa")
    assert log_in(browser(), code=backup_codes[0]).status_code == 302


def test_an_address_tries_thirty_logins_a_minute_whoever_it_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each name is used once, far from the lockout of a pair. The last attempt costs no hash."""
    make_staff()
    hashed: list[str] = []
    monkeypatch.setattr(
        "django.contrib.auth.backends.ModelBackend.authenticate",
        lambda *_, username, **__: hashed.append(username),
    )
    start = datetime(2026, 3, 1, 12, 0, 20, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        tried = [log_in(browser(), f"name-{number}", "x").status_code for number in range(31)]
        assert tried == [200] * 30 + [429]
        assert len(hashed) == 30
        refused = log_in(browser())
        assert (refused.status_code, refused["Retry-After"]) == (429, "40")
        assert "Try again in 1 minute." in refused.content.decode()
        assert browser().get(LOGIN).status_code == 200
        assert log_in(browser("192.0.2.2"), "x", "x").status_code == 200
        clock.shift(40)
        monkeypatch.undo()
        assert log_in(browser()).status_code == 302


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


def test_right_passwords_of_customers_are_failures_like_wrong_ones() -> None:
    """Same pages, same lockout, same records: a guesser learns nothing."""
    make_staff()
    User.objects.create_user("customer", password=PASSWORD)
    told = []
    for address, password in (("192.0.2.3", PASSWORD), ("192.0.2.4", "wrong")):
        answers = [log_in(browser(address), "customer", password) for _ in range(6)]
        told.append(
            [
                (answer.status_code, re.sub(r'value="[^"]{64}"', "", answer.content.decode()))
                for answer in answers
            ]
        )
    assert told[0] == told[1]
    assert [status for status, _ in told[0]] == [200] * 4 + [429] * 2
    kept = AccessFailureLog.objects.filter(username="customer")
    assert kept.filter(ip_address="192.0.2.3").count() == 5
    assert not AccessLog.objects.exists()


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
