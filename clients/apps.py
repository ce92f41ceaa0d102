from django.apps import AppConfig
from oauth2_provider.apps import DOTConfig


class ClientsConfig(AppConfig):
    name = "clients"
    verbose_name = "API clients"

    def ready(self) -> None:
        from clients import schema  # noqa: F401 - registers the authentication with drf-spectacular


class TokensConfig(DOTConfig):
    """django-oauth-toolkit, with a name that staff understand."""

    verbose_name = "Clients and tokens"
