"""Authenticators of staff: a TOTP device (RFC 6238) and backup codes, both django-otp's.

A user has at most one authenticator. Its key must be known to compute codes and is kept in clear;
backup codes are kept as digests.
"""

import base64
import hashlib
import secrets
from typing import Any

import structlog
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

logger = structlog.get_logger("bank.staff")

BACKUP_CODES = 10
_KEY_BYTES = 20  # RFC 4226, section 4: 160 bits are recommended.
_TOTP_DIGITS = 6
# 80 random bits: out of reach even for who has the digests, so that a slow hash would add nothing.
_BACKUP_CODE_BYTES = 10


class EnrolmentRefused(Exception):
    """The code is not that of the new authenticator, or the user has one already."""


def new_key() -> str:
    """A key for an authenticator, in hexadecimal digits."""
    return secrets.token_hex(_KEY_BYTES)


def key_in_words(key: str) -> str:
    """The key as people type it into an app: base32 (RFC 4648) in groups of four."""
    return _in_groups(base64.b32encode(bytes.fromhex(key)).decode())


def provisioning_uri(user: Any, key: str) -> str:
    """The otpauth: URI which the QR code of the enrolment page carries."""
    return str(TOTPDevice(user=user, key=key).config_url)


def has_authenticator(user: Any) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def enrol(user: Any, *, key: str, code: str) -> tuple[TOTPDevice, list[str]]:
    """The user's authenticator, once `code` shows that it has the key, and its backup codes.

    Raises EnrolmentRefused. Locks the user: of two enrolments at once, one is refused.
    """
    with transaction.atomic():
        get_user_model().objects.select_for_update().get(pk=user.pk)
        device = TOTPDevice(user=user, name="Authenticator", key=key)
        if has_authenticator(user) or not device.verify_token(code):
            raise EnrolmentRefused
        codes = _replace_backup_codes(user)
    logger.info("authenticator.enrolled", user=user.pk)
    return device, codes


def verify(user: Any, code: str) -> Device | None:
    """The device of the user that the code is good for, else None. A code is good only once.

    After the n-th failure in a row a device refuses all codes for 2^(n-1) seconds.
    """
    compact = "".join(code.split()).replace("-", "").lower()
    if not compact:
        return None
    is_totp = len(compact) <= _TOTP_DIGITS
    model, token = (TOTPDevice, compact) if is_totp else (StaticDevice, _digest(user, compact))
    for device in model.objects.filter(user=user, confirmed=True):
        # Not `match_token`: it knows nothing of throttling.
        verified = verify_token(user, device.persistent_id, token)
        if verified is not None:
            if not is_totp:
                logger.warning("backup_code.used", user=user.pk, left=backup_codes_left(user))
            return verified
    return None


def new_backup_codes(user: Any) -> list[str]:
    """New backup codes, shown once. The old ones are good for nothing any more."""
    with transaction.atomic():
        codes = _replace_backup_codes(user)
    logger.info("backup_codes.made", user=user.pk)
    return codes


def backup_codes_left(user: Any) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


def reset(user: Any, *, by: str) -> None:
    """Takes authenticator and backup codes away and ends the user's sessions.

    The user can then log in by password as far as enrolment. A session that somebody else holds
    must not be the one to get there.
    """
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        for session in Session.objects.all():
            if session.get_decoded().get("_auth_user_id") == str(user.pk):
                session.delete()
    logger.warning("authenticator.reset", user=user.pk, by=by)


def _replace_backup_codes(user: Any) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="Backup codes")
    codes = [
        base64.b32encode(secrets.token_bytes(_BACKUP_CODE_BYTES)).decode().lower()
        for _ in range(BACKUP_CODES)
    ]
    StaticToken.objects.bulk_create(
        StaticToken(device=device, token=_digest(user, code)) for code in codes
    )
    return [_in_groups(code, separator="-") for code in codes]


def _digest(user: Any, code: str) -> str:
    """What is kept of a backup code: 80 bits of a digest, all that the library's column holds."""
    digest = hashlib.sha256(f"backup code of user {user.pk}: {code}".encode()).digest()
    return base64.b32encode(digest[:_BACKUP_CODE_BYTES]).decode().lower()


def _in_groups(text: str, separator: str = " ") -> str:
    return separator.join(text[start : start + 4] for start in range(0, len(text), 4))
