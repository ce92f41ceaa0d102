"""Authenticators of staff, with their keys encrypted at rest; and the sessions of people."""

from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff import keys

# 2^9 seconds, less than nine minutes. One guess in that time, three codes being good out of a
# million, finds one in years.
_MOST_FAILURES_COUNTED = 10


class Authenticator(TOTPDevice):
    """The rows of TOTPDevice. `key` is what `staff.keys` keeps; set it by `for_user`.

    After the n-th failure in a row it refuses all codes for 2^(n-1) seconds, and never for longer
    than 2^9. `is_at_usual_address` says that this does not hold for who comes now.
    """

    is_at_usual_address = False
    throttling_failure_count: int

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def for_user(cls, user: Any, *, key: str) -> "Authenticator":
        """A new one, not saved. `key` is in clear, in hexadecimal digits."""
        kept = keys.encrypted(key, user_id=user.pk)
        return cls(user=user, name="Authenticator", key=kept)

    @property
    def bin_key(self) -> bytes:
        """Raises UnreadableKey."""
        return bytes.fromhex(keys.decrypted(self.key, user_id=self.user_id))

    @property
    def persistent_id(self) -> str:
        """As sessions know it that the release before began."""
        return f"{TOTPDevice._meta.label_lower}/{self.pk}"

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        if self.is_at_usual_address:
            return True, None
        counted = min(self.throttling_failure_count, _MOST_FAILURES_COUNTED)
        self.throttling_failure_count = counted
        allowed: tuple[bool, dict[str, Any] | None] = super().verify_is_allowed()
        return allowed


class StaffSession(AbstractBaseSession):
    """A session under the digest of its key, see `staff.sessions`. Without a user before a login.

    It is gone when it ends. The log of logins tells who came.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)

    class Meta(AbstractBaseSession.Meta):
        abstract = False
        default_permissions = ()
        permissions = (("end_session", "Can end the sessions of others"),)

    @classmethod
    def get_session_store_class(cls) -> Any:
        from staff.sessions import SessionStore

        return SessionStore
