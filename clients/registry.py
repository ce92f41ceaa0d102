"""Creates and revokes API clients and tokens."""

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
    """A new client that acts as `user`, and its secret, which cannot be read again.

    The `client_id` is random by default. Raises ValidationError for an unknown scope, and
    IntegrityError for a `client_id` that is already in use.
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
    """The client's user and scopes in words, for the staff log."""
    return f"Acts as {client.user.get_username()}, for {' '.join(client.scopes)}."


def issue_token(client: ApiClient) -> str:
    """A token for all scopes of the client, as the token route issues it. Stored as a digest."""
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
    """Records that the client has just got a token, as its last use.

    The use of a token itself is not recorded, because reads of the API must not write. Tokens last
    minutes, so a program in use soon asks for another.
    """
    ApiClient.objects.filter(pk=client.pk).update(last_token_at=clock.now())


def revoke_client(client: ApiClient) -> int | None:
    """Disables the client for good, deletes its tokens and returns how many there were.

    Returns None if it was disabled already. Its record and history stay.
    """
    # Disables the client first: from then on it gets no tokens, and its existing ones are invalid.
    switched = ApiClient.objects.filter(pk=client.pk, is_active=True)
    is_first = switched.update(is_active=False, updated=clock.now())
    tokens, _ = AccessToken.objects.filter(application=client).delete()
    return tokens if is_first else None


def delete_tokens_of_inactive(instance: Any, **_: Any) -> None:
    """post_save of a user: deletes the tokens of an inactive user, so reactivation revives none."""
    if not instance.is_active:
        AccessToken.objects.filter(application__user=instance).delete()
