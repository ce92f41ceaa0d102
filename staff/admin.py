"""Read-only pages of logins, failed logins and authenticators, without keys and codes."""

from datetime import datetime

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display

from core.console.admin import EMPTY, ReadOnlyModelAdmin, yes_or_no
from staff.keys import is_encrypted

# The library's own pages show keys and backup codes, and create new ones for anybody.
admin.site.unregister([StaticDevice, TOTPDevice])


class _LoginColumns:
    """Columns of both logs of logins, in the bank's words."""

    @display(description="When")
    def at(self, login: AccessLog | AccessFailureLog) -> datetime:
        return login.attempt_time

    @display(description="User name")
    def user_name(self, login: AccessLog | AccessFailureLog) -> str:
        return login.username or EMPTY

    @display(description="Address")
    def address(self, login: AccessLog | AccessFailureLog) -> str:
        return login.ip_address or EMPTY

    @display(description="Browser")
    def browser(self, login: AccessLog | AccessFailureLog) -> str:
        return login.user_agent or EMPTY


@admin.register(AccessFailureLog)
class FailedLoginAdmin(_LoginColumns, ReadOnlyModelAdmin):
    """Every failed login. A success resets the attempts that the lockout counts, but not these."""

    list_display = ("at", "user_name", "address", "blocked")
    search_fields = ("username__exact", "ip_address__exact")
    search_help_text = "User name or address"
    fields = ("at", "user_name", "address", "browser", "blocked")
    when_empty = "Nobody has failed to log in."

    @display(description="Blocked after it")
    def blocked(self, login: AccessFailureLog) -> str:
        return yes_or_no(login.locked_out)


@admin.register(AccessLog)
class AccessLogAdmin(_LoginColumns, ReadOnlyModelAdmin):
    when_empty = "Nobody has logged in."
    list_display = ("at", "user_name", "address", "until")
    search_fields = ("username__exact", "ip_address__exact")
    search_help_text = "User name or address"
    fields = ("at", "until", "user_name", "address", "browser")

    @display(description="Logged out")
    def until(self, login: AccessLog) -> datetime | str:
        return login.logout_time or EMPTY


@admin.register(TOTPDevice)
class AuthenticatorAdmin(ReadOnlyModelAdmin):
    when_empty = (
        "No authenticators yet. Members of staff set up their own, under Authenticator in the"
        " menu at their name."
    )
    list_display = ("user", "created_at", "last_used_at", "throttling_failure_count", "kept_key")
    list_select_related = ("user",)
    search_fields = ("user__username",)
    fields = ("user", "created_at", "last_used_at", "throttling_failure_count", "kept_key")

    @display(description="Key")
    def kept_key(self, device: TOTPDevice) -> str:
        """Whether the key is encrypted; `manage.py encrypt_authenticators` encrypts clear ones."""
        return "Encrypted" if is_encrypted(device.key) else "In clear"
