from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.db.models.signals import post_migrate

from bankproject.secret_key import MINIMUM_CHARACTERS, is_weak
from core import moments
from core.files import is_open_to_all

# What the audit log and the console show. Sessions, lockouts and codes keep to their host's clock,
# by which Django and the packages judge them.
MOMENTS_OF_THE_BANK = {
    "admin.LogEntry": ("action_time",),
    "auth.User": ("date_joined",),
    "axes.AccessLog": ("attempt_time",),
    "axes.AccessFailureLog": ("attempt_time",),
    "clients.ApiClient": ("created", "updated"),
    "oauth2_provider.AccessToken": ("created", "updated"),
    "otp_static.StaticDevice": ("created_at",),
    "otp_totp.TOTPDevice": ("created_at",),
}


class BankProjectConfig(AppConfig):
    name = "bankproject"
    verbose_name = "Bank"

    def ready(self) -> None:
        from bankproject.console import duties
        from bankproject.console.rows import name_classes
        from bankproject.roles import make_groups
        from core.console.bars import register

        name_classes()
        for model, names in MOMENTS_OF_THE_BANK.items():
            moments.keep(model, *names)
        # It is the last app with rights, so all rights are in the database by then.
        post_migrate.connect(make_groups, sender=apps.get_app_config("jobs"))
        register(duties.bars)
        checks.register(check_secret_key, checks.Tags.security)
        checks.register(check_data_folder, checks.Tags.security, deploy=True)


def check_secret_key(**_: Any) -> list[checks.CheckMessage]:
    """System check: warns of a weak key. In production the settings refuse it."""
    if not is_weak(settings.SECRET_KEY):
        return []
    text = f"DJANGO_SECRET_KEY should have {MINIMUM_CHARACTERS} random characters or more."
    return [checks.Warning(text, id="bank.W004")]


def check_data_folder(**_: Any) -> list[checks.CheckMessage]:
    """System check (`--deploy`): only the bank's user and a group may access the data folder."""
    folder = settings.DATA_DIR
    if not is_open_to_all(folder):
        return []
    hint = f"chmod 700 {folder}, or 750 for a group."
    return [checks.Warning(f"Everybody may enter {folder}.", hint=hint, id="bank.W005")]
