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

    `request.auth` is the token; `request.auth.application` the client. All invalid tokens get the
    same 401: unknown, expired or revoked ones, and those of an inactive client or user.
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
