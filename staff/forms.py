"""Forms of login and enrolment, in unfold's style."""

from typing import Any

from django import forms
from django.contrib.auth.signals import user_login_failed
from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm
from unfold.widgets import BASE_INPUT_CLASSES

from core.addresses import caller_of
from staff import authenticators


class CodeField(forms.CharField):
    """A code of an authenticator app, or a backup code."""

    def __init__(self, **options: Any) -> None:
        attributes = {
            "class": " ".join(BASE_INPUT_CLASSES),
            "autocomplete": "one-time-code",
            "autocapitalize": "none",
            "spellcheck": "false",
        }
        widget = forms.TextInput(attrs=attributes)
        super().__init__(max_length=40, widget=widget, **options)


class LoginForm(AuthenticationForm):
    """User name, password and, for users with an authenticator, a code, in one step.

    All errors have the same message, so nobody learns from it that a password was right. A wrong
    code counts as a failed login, towards the same lockout.
    """

    code = CodeField(required=False, label="Code")
    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": (
            "Please enter the user name and password of a member of staff, and the code of your"
            " authenticator if you have set one up. A code works once; after a wrong one, wait a"
            " little before the next."
        ),
    }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean()
        user: Any = self.get_user()
        if user is not None and authenticators.has_authenticator(user):
            user.otp_device = self._verified(user, cleaned.get("code", ""))
            if user.otp_device is None:
                raise self._failed(user)
        return cleaned

    def _verified(self, user: Any, code: str) -> Any:
        return authenticators.verify(user, code, address=caller_of(self.request))

    def confirm_login_allowed(self, user: Any) -> None:
        """Refuses customers in the same way as a wrong password: same message, count and record."""
        if not user.is_active or not user.is_staff:
            raise self._failed(user)

    def _failed(self, user: Any) -> ValidationError:
        """Records a failure after a right password, which axes would take for a success."""
        credentials = {"username": user.get_username()}
        user_login_failed.send(__name__, credentials=credentials, request=self.request)
        return self.get_invalid_login_error()


class EnrolmentForm(forms.Form):
    """Asks for a code, which proves that the new authenticator has the key."""

    code = CodeField(label="Code of the app")

    def __init__(self, *args: Any, user: Any, key: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self._user, self._key = user, key

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].replace(" ", "")
        try:
            self.device, self.backup_codes = authenticators.enrol(
                self._user, key=self._key, code=code
            )
        except authenticators.EnrolmentRefused as error:
            raise ValidationError("This is not the code that the app shows now.") from error
        return code


class BackupCodesForm(forms.Form):
    """Asks for a code before it makes new backup codes: an open session is not enough."""

    code = CodeField(label="Code of the app")

    def __init__(self, *args: Any, user: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._user = user

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if authenticators.verify(self._user, code) is None:
            raise ValidationError("That code is wrong or not valid yet: wait for the next one.")
        return code
