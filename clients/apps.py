from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save
from oauth2_provider.apps import DOTConfig


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = "API clients"

    def ready(self) -> None:
        from clients import schema  # noqa: F401 - registers the authentication with drf-spectacular
        from clients.registry import delete_tokens_of_inactive

        post_save.connect(delete_tokens_of_inactive, sender=settings.AUTH_USER_MODEL)


class TokensConfig(DOTConfig):
    """django-oauth-toolkit, with a name that staff understand."""

    verbose_name = "Clients and tokens"
