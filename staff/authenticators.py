"""Authenticators of staff: a TOTP device (RFC 6238) and backup codes, both django-otp's.

A user has at most one authenticator. The bank needs its key to compute codes, so the key is stored
encrypted (`staff.keys`). Backup codes are stored as digests.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any

import structlog
from axes.models import AccessLog
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from core import clock
from staff.keys import KEY_BYTES, UnreadableKey
from staff.models import Authenticator, StaffSession

logger = structlog.get_logger("bank.staff")

BACKUP_CODES = 10
_TOTP_DIGITS = 6
# 80 random bits cannot be guessed even from the digests, so a slow hash would add nothing.
_BACKUP_CODE_BYTES = 10
# How long after a login its address counts as usual.
_USUAL_FOR = timedelta(days=90)


class EnrolmentRefused(Exception):
    """The code does not match the new authenticator, or the user already has one."""


def new_key() -> str:
    """A key for an authenticator, in hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES)


def key_in_words(key: str) -> str:
    """The key as people type it into an app: base32 (RFC 4648) in groups of four."""
    return in_groups(base64.b32encode(bytes.fromhex(key)).decode())


def provisioning_uri(user: Any, key: str) -> str:
    """The otpauth: URI in the QR code of the enrolment page."""
    return str(TOTPDevice(user=user, key=key).config_url)


def has_authenticator(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def enrol(user: Any, *, key: str, code: str) -> tuple[Authenticator, list[str]]:
    """Creates the user's authenticator and backup codes if `code` proves that it has the key.

    Raises EnrolmentRefused. Locks the user, so one of two concurrent enrolments is refused.
    """
    with transaction.atomic():
        get_user_model().objects.select_for_update().get(pk=user.pk)
        device = Authenticator.for_user(user, key=key)
        if has_authenticator(user) or not device.verify_token(code):
            raise EnrolmentRefused
        codes = _replace_backup_codes(user)
    logger.info("authenticator.enrolled", user=user.pk)
    return device, codes


def verify(user: Any, code: str, *, address: str = "") -> Device | None:
    """The user's device that accepts the code, or None. Each code works only once.

    After wrong codes an authenticator refuses all codes for a while (see `Authenticator`), except
    from an `address` that the user has logged in from. So an attacker elsewhere who knows the
    password cannot lock the user out. Backup codes cannot be guessed and never have to wait.
    """
    compact = "".join(code.split()).replace("-", "").lower()
    if not compact:
        return None
    with transaction.atomic():
        if len(compact) <= _TOTP_DIGITS:
            return _verify_totp(user, compact, address)
        return _verify_backup_code(user, compact)


def _verify_totp(user: Any, code: str, address: str) -> Device | None:
    # Locked, so that two requests cannot use the same code.
    found = Authenticator.objects.select_for_update().filter(user=user, confirmed=True)
    for device in found:
        device.is_at_usual_address = _is_usual(address, user, device)
        try:
            if device.verify_token(code):
                return device
        except UnreadableKey:
            logger.exception("authenticator.unreadable", user=user.pk)
    return None


def _verify_backup_code(user: Any, code: str) -> Device | None:
    digest = _digest(user, code)
    for device in StaticDevice.objects.select_for_update().filter(user=user, confirmed=True):
        if device.verify_token(digest):
            logger.warning("backup_code.used", user=user.pk, left=backup_codes_left(user))
            return device
    return None


def _is_usual(address: str, user: Any, device: Authenticator) -> bool:
    """Whether the user has recently logged in from this address with a code of this device."""
    # Without the lockout, nothing else would slow down guesses from this address.
    if not address or device.created_at is None or not settings.AXES_LOCK_OUT_AT_FAILURE:
        return False
    since = max(device.created_at, clock.about_now() - _USUAL_FOR)
    logins = AccessLog.objects.filter(username=user.get_username(), ip_address=address)
    return bool(logins.filter(attempt_time__gt=since).exists())


def new_backup_codes(user: Any) -> list[str]:
    """New backup codes, shown once. The old ones become invalid."""
    with transaction.atomic():
        codes = _replace_backup_codes(user)
    logger.info("backup_codes.made", user=user.pk)
    return codes


def backup_codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def reset(user: Any, *, by: str) -> None:
    """Removes the user's authenticator and backup codes and ends all of the user's sessions.

    The user can then log in by password alone, but only to enrol. The sessions end so that no
    intruder can enrol in one of them.
    """
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        StaffSession.objects.filter(user=user).delete()
    logger.warning("authenticator.reset", user=user.pk, by=by)


def _replace_backup_codes(user: Any) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Backup codes")
    codes = [random_code() for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=_digest(user, code)) for code in codes
    )
    return [in_groups(code, separator="-") for code in codes]


def random_code() -> str:
    """80 random bits as 16 letters and digits (base32)."""
    return base64.b32encode(secrets.token_bytes(_BACKUP_CODE_BYTES)).decode().lower()


def _digest(user: Any, code: str) -> str:
    """The stored form of a backup code: 80 bits of a digest, as much as the column holds."""
    digest = hashlib.sha256(f"backup code of user {user.pk}: {code}".encode()).digest()
    return base64.b32encode(digest[:_BACKUP_CODE_BYTES]).decode().lower()


def in_groups(text: str, separator: str = " ") -> str:
    """The text in groups of four characters."""
    return separator.join(text[start : start + 4] for start in range(0, len(text), 4))
