"""From a password alone to an authenticator, and logging in with it."""

import re
from base64 import b32decode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff import authenticators
from staff.models import Authenticator
from staff.tests.helpers import (
    AUTHENTICATOR,
    INDEX,
    LOGIN,
    browser,
    code_of,
    enrolled,
    log_in,
    make_staff,
    wrong_code_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _required(settings: Any) -> None:
    settings.REQUIRE_MFA = True


def key_on(page: HttpResponse) -> str:
    found = re.search(r'<code id="key"[^>]*>([A-Z2-7 ]+)</code>', page.content.decode())
    assert found
    return b32decode(found[1].replace(" ", "")).hex()


def codes_on(page: HttpResponse) -> list[str]:
    return re.findall(r"<li>([a-z2-7-]{19})</li>", page.content.decode())


def enrol(client: Client) -> tuple[str, list[str]]:
    """Enrols on the page; returns the key and the backup codes."""
    key = key_on(client.get(AUTHENTICATOR))
    done = client.post(AUTHENTICATOR, {"code": code_of(key)})
    assert done.status_code == 200
    TOTPDevice.objects.update(last_t=-1)  # As if the next 30 seconds had begun.
    return key, codes_on(done)


def test_the_first_login_leads_to_enrolment_and_from_there_into_the_admin() -> None:
    user = make_staff()
    client = browser()
    assert log_in(client)["Location"] == INDEX
    arrived = client.get(INDEX, follow=True)
    assert arrived.redirect_chain[-1] == (AUTHENTICATOR, 302)
    assert b"<svg" in arrived.content
    before = client.session.session_key
    key, backup_codes = enrol(client)
    assert client.session.session_key != before
    assert len(set(backup_codes)) == authenticators.BACKUP_CODES
    assert client.get(INDEX).status_code == 200
    assert Authenticator.objects.get(user=user).bin_key == bytes.fromhex(key)


def test_the_qr_code_says_what_an_app_needs(settings: Any) -> None:
    settings.OTP_TOTP_ISSUER = "Old Bank"
    key = authenticators.new_key()
    uri = urlsplit(authenticators.provisioning_uri(User(username="tessa"), key))
    assert (uri.scheme, uri.netloc, uri.path) == ("otpauth", "totp", "/Old%20Bank%3Atessa")
    assert parse_qs(uri.query) == {
        "secret": [authenticators.key_in_words(key).replace(" ", "")],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
        "issuer": ["Old Bank"],
    }


def test_a_wrong_code_enrols_nobody() -> None:
    make_staff()
    client = browser()
    log_in(client)
    key = key_on(client.get(AUTHENTICATOR))
    for code in ("", wrong_code_of(key), "abc", "9" * 40, "9" * 41):
        answer = client.post(AUTHENTICATOR, {"code": code})
        assert key_on(answer) == key, "the same key, or the app would have to scan it again"
    assert not TOTPDevice.objects.exists()
    assert not StaticToken.objects.exists()
    assert client.get(INDEX).status_code == 302


def test_each_session_has_a_key_of_its_own() -> None:
    """A thief who opens the page with a stolen password must not learn the real user's key."""
    make_staff()
    first, second = browser(), browser("192.0.2.2")
    keys = set()
    for client in (first, second):
        log_in(client)
        keys.add(key_on(client.get(AUTHENTICATOR)))
    assert len(keys) == 2
    enrol(first)
    for answer in (second.get(AUTHENTICATOR), second.post(AUTHENTICATOR, {"code": "1"})):
        assert answer["Location"].startswith(LOGIN)
    assert TOTPDevice.objects.count() == 1


def test_a_second_authenticator_is_refused() -> None:
    user = make_staff()
    enrolled(user)
    key = authenticators.new_key()
    with pytest.raises(authenticators.EnrolmentRefused):
        authenticators.enrol(user, key=key, code=code_of(key))
    assert Authenticator.objects.get().bin_key != bytes.fromhex(key)
    assert StaticToken.objects.count() == authenticators.BACKUP_CODES


def test_login_takes_the_code_once() -> None:
    key, _ = enrolled(make_staff())
    code = code_of(key)
    assert log_in(browser(), code="").status_code == 200
    client = browser()
    assert log_in(client, code=f" {code[:3]} {code[3:]}").status_code == 302
    assert client.get(INDEX).status_code == 200
    assert log_in(browser("192.0.2.2"), code=code).status_code == 200


def test_all_failures_read_alike() -> None:
    key, _ = enrolled(make_staff())
    make_staff("retired", is_active=False)
    User.objects.create_user("customer", password="correct horse battery staple")
    wrong = wrong_code_of(key)
    answers = [
        log_in(browser(), code=wrong),
        log_in(browser(), code=""),
        log_in(browser(), password="wrong", code=code_of(key)),
        log_in(browser(), username="nobody"),
        log_in(browser(), username="retired"),
        log_in(browser(), username="customer"),
    ]
    said = [str(answer.context["form"].non_field_errors()) for answer in answers]  # type: ignore[attr-defined]
    assert len(set(said)) == 1
    assert "code of your authenticator" in said[0]
    assert [answer.status_code for answer in answers] == [200] * 6


def test_after_a_wrong_code_the_right_one_has_to_wait() -> None:
    key, _ = enrolled(make_staff())
    assert log_in(browser(), code=wrong_code_of(key)).status_code == 200
    assert log_in(browser(), code=code_of(key)).status_code == 200
    TOTPDevice.objects.update(throttling_failure_timestamp="2026-01-01T00:00Z")
    assert log_in(browser(), code=code_of(key)).status_code == 302


def test_another_users_code_is_no_good() -> None:
    enrolled(make_staff())
    key, backup_codes = enrolled(make_staff("susan"))
    assert log_in(browser(), code=code_of(key)).status_code == 200
    assert log_in(browser(), code=backup_codes[0]).status_code == 200


def test_a_backup_code_is_good_for_one_login() -> None:
    _, backup_codes = enrolled(make_staff())
    assert log_in(browser(), code=backup_codes[0].upper()).status_code == 302
    assert log_in(browser(), code=backup_codes[0]).status_code == 200
    assert StaticToken.objects.count() == authenticators.BACKUP_CODES - 1


def test_backup_codes_are_kept_as_digests() -> None:
    _, backup_codes = enrolled(make_staff())
    stored = list(StaticToken.objects.values_list("token", flat=True))
    plain = [code.replace("-", "") for code in backup_codes]
    assert {len(token) for token in stored} == {16}
    assert not set(stored) & set(plain)
    # A stored token is not a valid code.
    assert authenticators.verify(User.objects.get(), stored[0]) is None


def test_new_backup_codes_take_a_code_and_replace_the_old_ones() -> None:
    key, old = enrolled(make_staff())
    client = browser()
    log_in(client, code=code_of(key))
    page = client.get(AUTHENTICATOR).content.decode()
    assert '<strong id="left">10</strong>' in page
    assert "<svg" not in page, "the key is shown at enrolment only"
    assert codes_on(client.post(AUTHENTICATOR, {"code": wrong_code_of(key)})) == []
    TOTPDevice.objects.update(last_t=-1, throttling_failure_count=0)
    new = codes_on(client.post(AUTHENTICATOR, {"code": code_of(key)}))
    assert len(new) == authenticators.BACKUP_CODES
    assert log_in(browser(), code=old[0]).status_code == 200
    assert log_in(browser(), code=new[0]).status_code == 302
