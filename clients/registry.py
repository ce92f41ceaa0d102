"""Making API clients and tokens, and taking them back."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.views.decorators.debug import sensitive_variables
from oauth2_provider.generators import generate_client_id
from oauth2_provider.models import AccessToken, set_token_value
from oauth2_provider.settings import oauth2_settings

from clients.models import ApiClient, validate_scopes
from core import clock


def new_token(_request: Any = None) -> str:
    """A bearer token of 256 random bits."""
    return secrets.token_urlsafe(32)


@sensitive_variables("secret")
def create_client(
    name: str, *, user: Any, scopes: Sequence[str], client_id: str | None = None
) -> tuple[ApiClient, str]:
    """A new client that acts as `user`, and its secret, which is not kept and cannot be read again.

    Raises ValidationError for a scope that does not exist, and IntegrityError for a `client_id`
    that does exist; without one it gets a random one.
    """
    validate_scopes(list(scopes))
    secret = secrets.token_urlsafe(48)
    client = ApiClient.objects.create(
        client_id=client_id or generate_client_id(),
        name=name,
        user=user,
        scopes=list(scopes),
        client_secret=secret,
        client_type=ApiClient.CLIENT_CONFIDENTIAL,
        authorization_grant_type=ApiClient.GRANT_CLIENT_CREDENTIALS,
    )
    return client, secret


def rights_in_words(client: ApiClient) -> str:
    """Whose rights the client has, and which of them: for the log of staff."""
    return f"Acts as {client.user.get_username()}, for {' '.join(client.scopes)}."


def issue_token(client: ApiClient) -> str:
    """A token for all scopes of the client, as the token route would give it. Kept as a digest."""
    raw_token = new_token()
    seconds: int = oauth2_settings.ACCESS_TOKEN_EXPIRE_SECONDS
    token = AccessToken(
        application=client,
        scope=" ".join(client.scopes),
        expires=clock.now() + timedelta(seconds=seconds),
    )
    set_token_value(token, raw_token)
    token.save()
    note_token(client)
    return raw_token


def note_token(client: ApiClient) -> None:
    """Keeps that the client has just got a token, which stands for its last use.

    Not the use of a token itself: that would write where the API only reads. A token lasts minutes,
    so a program in use comes back for another as soon.
    """
    ApiClient.objects.filter(pk=client.pk).update(last_token_at=clock.now())


def revoke_client(client: ApiClient) -> int | None:
    """Switches the client off for good, deletes its tokens and returns how many there were.

    None if it was off before. Its record and history stay.
    """
    # Off first: from then on it gets no token, and those that it has are worth nothing.
    switched = ApiClient.objects.filter(pk=client.pk, is_active=True)
    is_first = switched.update(is_active=False, updated=clock.now())
    tokens, _ = AccessToken.objects.filter(application=client).delete()
    return tokens if is_first else None
