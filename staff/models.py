"""Authenticators of staff, with their keys encrypted at rest; sessions of users; and the origin of
records in logs whose tables are not the bank's own.
"""

from typing import Any

from axes.models import AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django_otp.plugins.otp_totp.models import TOTPDevice

from staff import keys

# After ten failures the wait is 2^9 seconds, less than nine minutes. Three codes out of a million
# are valid. With one guess in that time, an attacker needs years to find one.
_MOST_FAILURES_COUNTED = 10


class Authenticator(TOTPDevice):
    """A TOTPDevice whose `key` is encrypted by `staff.keys`; set it with `for_user`.

    After the n-th failure in a row it refuses all codes for 2^(n-1) seconds, at most 2^9. With
    `is_at_usual_address` this does not apply to the current login.
    """

    is_at_usual_address = False
    throttling_failure_count: int

    class Meta:
        proxy = True
        default_permissions = ()

    @classmethod
    def for_user(cls, user: Any, *, key: str) -> "Authenticator":
        """A new, unsaved authenticator. `key` is in clear, in hexadecimal digits."""
        kept = keys.encrypted(key, user_id=user.pk)
        return cls(user=user, name="Authenticator", key=kept)

    @property
    def bin_key(self) -> bytes:
        """The key in clear. Raises UnreadableKey."""
        return bytes.fromhex(keys.decrypted(self.key, user_id=self.user_id))

    @property
    def persistent_id(self) -> str:
        """The id in sessions, the same as in those begun by the previous release."""
        return f"{TOTPDevice._meta.label_lower}/{self.pk}"

    def verify_is_allowed(self) -> tuple[bool, dict[str, Any] | None]:
        if self.is_at_usual_address:
            return True, None
        counted = min(self.throttling_failure_count, _MOST_FAILURES_COUNTED)
        self.throttling_failure_count = counted
        allowed: tuple[bool, dict[str, Any] | None] = super().verify_is_allowed()
        return allowed


class OneTimePassword(models.Model):
    """Marks the password of a user as chosen by the bank. The user replaces it at the next login,
    and the row is deleted.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    made_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"One-time password of {self.user}"


class StaffSession(AbstractBaseSession):
    """A session under the digest of its key (`staff.sessions`). It has no user before a login.

    The row is deleted when the session ends. The log of logins keeps the history.
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


class RecordOrigin(models.Model):
    """The address and the request of a record. Append-only.

    Earlier releases know nothing of these rows, so the database lets them delete the record alone.
    """

    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64)

    class Meta:
        abstract = True
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.request_id} from {self.address}"


def _record(log: type[models.Model]) -> Any:
    return models.OneToOneField(
        log,
        primary_key=True,
        on_delete=models.CASCADE,
        related_name="origin",
        db_constraint=False,
    )


class LogEntryOrigin(RecordOrigin):
    """Of a change to a user, a group, a client or a session."""

    record = _record(LogEntry)


class LoginOrigin(RecordOrigin):
    """Of a login."""

    record = _record(AccessLog)


class FailedLoginOrigin(RecordOrigin):
    """Of a failed login."""

    record = _record(AccessFailureLog)
