"""Staff, their authenticators, and logins from a browser."""

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff import authenticators

PASSWORD = "correct horse battery staple"
ADDRESS = "192.0.2.1"
LOGIN = "/admin/login/"
INDEX = "/admin/"
AUTHENTICATOR = "/admin/authenticator/"


def make_staff(username: str = "tessa", **fields: Any) -> User:
    return User.objects.create_user(username, password=PASSWORD, is_staff=True, **fields)


def code_of(key: str, *, steps: int = 0) -> str:
    """The code that the app shows now, or `steps` times 30 seconds later."""
    totp = TOTP(bytes.fromhex(key))
    totp.time = timezone.now().timestamp() + 30 * steps
    return f"{totp.token():06d}"


def wrong_code_of(key: str) -> str:
    """Six digits that are valid neither now nor in the neighbouring steps."""
    good = {code_of(key, steps=steps) for steps in range(-2, 3)}
    return next(
        code
        for code in ("000000", "111111", "222222", "333333", "444444", "555555")
        if code not in good
    )


def enrolled(user: User) -> tuple[str, list[str]]:
    """The key of the user's new authenticator, with no code used yet, and the backup codes."""
    key = authenticators.new_key()
    _, backup_codes = authenticators.enrol(user, key=key, code=code_of(key))
    TOTPDevice.objects.filter(user=user).update(last_t=-1)
    return key, backup_codes


def browser(address: str = ADDRESS) -> Client:
    return Client(REMOTE_ADDR=address)


def log_in(
    client: Client, username: str = "tessa", password: str = PASSWORD, code: str = ""
) -> HttpResponse:
    form = {"username": username, "password": password, "code": code}
    return client.post(LOGIN, form)  # type: ignore[return-value]
