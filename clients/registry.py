"""Making API clients and tokens."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone
from oauth2_provider.models import AccessToken, set_token_value
from oauth2_provider.settings import oauth2_settings

from clients.models import ApiClient, validate_scopes


def new_token(_request: Any = None) -> str:
    """A bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


def create_client(name: str, *, user: Any, scopes: Sequence[str]) -> tuple[ApiClient, str]:
    """A new client that acts as `user`, and its secret, which is not kept and cannot be read again.

    Raises ValidationError for a scope that does not exist.
    """
    validate_scopes(list(scopes))
    secret = secrets.token_urlsafe(48)
    client = ApiClient.objects.create(
        name=name,
        user=user,
        scopes=list(scopes),
        client_secret=secret,
        client_type=ApiClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
    )
    return client, secret


def issue_token(client: ApiClient) -> str:
    """A token for all scopes of the client, as the token route would give it. Kept as a digest."""
    raw_token = new_token()
    seconds: int = oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS
    token = AccessToken(
        application=client,
        scope=" ".join(client.scopes),
        expires=timezone.now() + timedelta(seconds=seconds),
    )
    set_token_value(token, raw_token)
    token.save()
    return raw_token
