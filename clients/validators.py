"""The validator of django-oauth-toolkit, for client credentials only."""

from datetime import timedelta
from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings

from clients.models import ApiClient
from clients.registry import note_token
from core import clock


class ClientCredentialsValidator(OAuth2Validator):
    """Client credentials and nothing else."""

    def _save_bearer_token(self, token: Any, request: Any, *args: Any, **kwargs: Any) -> None:
        """Also records the client's last use, in the library's database transaction."""
        super()._save_bearer_token(token, request, *args, **kwargs)
        note_token(request.client)

    def _create_access_token(self, expires: Any, request: Any, token: Any, *args: Any) -> Any:
        """Sets the expiry by the bank's clock, which also decides when a token has expired."""
        seconds = token.get("expires_in", oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS)
        expires = clock.now() + timedelta(seconds=seconds)
        return super()._create_access_token(expires, request, token, *args)

    def _load_application(self, client_id: Any, request: Any) -> ApiClient | None:
        """Treats a client id with NUL as unknown: PostgreSQL raises DataError for it.

        The library expects ValueError, which the older driver raised.
        """
        if not isinstance(client_id, str) or "\x00" in client_id:
            return None
        client: ApiClient | None = super()._load_application(client_id, request)
        return client
