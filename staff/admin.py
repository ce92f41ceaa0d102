"""Read-only pages of logins, failed logins and authenticators, without keys and codes."""

from axes.models import AccessFailureLog, AccessLog
from django.contrib import admin
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display

from core.console.admin import ReadOnlyModelAdmin
from staff.keys import is_encrypted

# The library's own pages show keys and backup codes, and create new ones for anybody.
admin.site.unregister([StaticDevice, TOTPDevice])


@admin.register(AccessFailureLog)
class FailedLoginAdmin(ReadOnlyModelAdmin):
    """Every failed login. A success resets the attempts that the lockout counts, but not these."""

    list_display = ("attempt_time", "username", "ip_address", "locked_out")
    search_fields = ("username__exact", "ip_address__exact")
    fields = ("attempt_time", "username", "ip_address", "user_agent", "locked_out")
    when_empty = "Nobody has failed to log in."


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyModelAdmin):
    when_empty = "Nobody has logged in."
    list_display = ("attempt_time", "username", "ip_address", "logout_time")
    search_fields = ("username__exact", "ip_address__exact")
    fields = ("attempt_time", "logout_time", "username", "ip_address", "user_agent")


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
