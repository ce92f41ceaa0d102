"""What django-oauth-toolkit asks about clients."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from clients.models import ApiClient
from clients.registry import note_token


class ClientCredentialsValidator(OAuth2Validator):
    """Client credentials and nothing else."""

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """In the library's transaction, the client's last use besides."""
        super()._save_bearer_token(token, request, *args, **kwargs)
        note_token(request.client)

    def _load_application(self, client_id: Any, request: Any) -> ApiClient | None:
        """PostgreSQL raises DataError for NUL in a text: such a client is unknown like any other.

        The library expects ValueError there, which the older driver raised.
        """
        if not isinstance(client_id, str) or "\x00" in client_id:
            return None
        client: ApiClient | None = super()._load_application(client_id, request)
        return client
