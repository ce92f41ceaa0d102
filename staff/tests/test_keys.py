"""Authenticator keys in the database: encrypted, bound to a user, under secret keys that change."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff import authenticators, keys
from staff.models import Authenticator, StaffSession
from staff.tests.helpers import (
    AUTHENTICATOR,
    browser,
    code_of,
    enrolled,
    log_in,
    make_staff,
)

pytestmark = pytest.mark.django_db

OTHER_SECRET = "another secret key, as random as the first one: 8f2c61"


def kept() -> str:
    key: str = TOTPDevice.objects.values_list("key", flat=True).get()
    return key


def encrypt(*options: str) -> str:
    output = StringIO()
    call_command("encrypt_authenticators", *options, stdout=output)
    return output.getvalue().strip()


def test_a_copy_of_the_database_has_no_key() -> None:
    user = make_staff()
    key, _ = enrolled(user)
    assert key not in kept()
    assert keys.decrypted(kept(), user_id=user.pk) == key
    # The library's own model reads another key, so its codes are wrong.
    assert TOTPDevice.objects.get().bin_key != bytes.fromhex(key)


def test_a_key_that_is_not_yet_confirmed_is_encrypted_in_the_session() -> None:
    make_staff()
    client = browser()
    log_in(client)
    client.get(AUTHENTICATOR)
    (session,) = (each.get_decoded() for each in StaffSession.objects.all())
    assert keys.is_encrypted(session["enrolment_key"])


def test_a_key_is_good_for_its_own_user_only() -> None:
    """A writer of the table cannot give a colleague the key of their own phone."""
    key, _ = enrolled(make_staff("susan"))
    stolen = kept()
    enrolled(make_staff("tessa"))
    TOTPDevice.objects.filter(user__username="tessa").update(key=stolen)
    assert log_in(browser(), "tessa", code=code_of(key)).status_code == 200
    assert log_in(browser(), "susan", code=code_of(key)).status_code == 302


def test_a_key_of_an_earlier_release_is_read_and_then_encrypted() -> None:
    user = make_staff()
    key, _ = enrolled(user)
    TOTPDevice.objects.update(key=key)
    assert log_in(browser(), code=code_of(key)).status_code == 302
    assert kept() == key, "a release that runs beside this one must read it until the command"
    assert encrypt() == "Keys of authenticators encrypted: 1."
    assert key not in kept()
    TOTPDevice.objects.update(last_t=-1)
    assert log_in(browser(), code=code_of(key)).status_code == 302
    assert encrypt("--decrypt") == "Keys of authenticators in clear: 1."
    assert kept() == key


def test_the_secret_key_can_be_replaced(settings: Any) -> None:
    key, _ = enrolled(make_staff())
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = OTHER_SECRET
    assert log_in(browser(), code=code_of(key)).status_code == 302
    encrypt()
    settings.SECRET_KEY_FALLBACKS = []
    TOTPDevice.objects.update(last_t=-1)
    assert log_in(browser(), code=code_of(key)).status_code == 302


def test_without_its_secret_key_a_key_is_refused_and_named(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    user = make_staff()
    key, _ = enrolled(user)
    before = kept()
    settings.SECRET_KEY = OTHER_SECRET
    assert log_in(browser(), code=code_of(key)).status_code == 200
    assert [line.levelname for line in caplog.records if "unreadable" in line.getMessage()] == [
        "ERROR"
    ]
    with pytest.raises(CommandError, match="tessa"):
        encrypt()
    assert kept() == before


def test_a_session_of_an_earlier_release_stays_verified(client: Client) -> None:
    device, _ = authenticators.enrol(
        make_staff(), key=(key := authenticators.new_key()), code=code_of(key)
    )
    assert device.persistent_id == TOTPDevice.objects.get().persistent_id
    assert Authenticator.objects.get() == device
