"""Bearer tokens (RFC 6750) on API requests."""

from typing import Any

from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from clients.tokens import usable_token
from core.api.short_way import credentials, has_bearer_token


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`: the request acts as the client's user. One SQL statement.

    `request.auth` is the token; `request.auth.application` the client. A token that is unknown,
    expired or revoked, or whose client or user is inactive, gets the same 401.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        scheme, raw_token = credentials(request)
        if scheme != "bearer":
            return None
        token = usable_token(raw_token)
        if token is None:
            raise AuthenticationFailed("The token is not valid.")
        return token.application.user, token

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401. It names an error only if a token was sent (section 3.1)."""
        return 'Bearer realm="bank"' + (
            ', error="invalid_token"' if has_bearer_token(request) else ""
        )
