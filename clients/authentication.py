"""Bearer tokens (RFC 6750) on API requests."""

import hashlib
from typing import Any

from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`: the request acts as the client's user. One SQL statement.

    `request.auth` is the token; `request.auth.application` the client. A token that is unknown,
    expired or revoked, or whose client or user is inactive, is 401, all alike.
    """

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        scheme, _, raw_token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        checksum = hashlib.sha256(raw_token.strip().encode()).hexdigest()
        token = (
            AccessToken.objects.select_related("application__user")
            .filter(token_checksum=checksum)
            .first()
        )
        if (
            token is None
            or token.is_expired()
            or token.application is None
            or not token.application.is_usable(request)
        ):
            raise AuthenticationFailed("The token is not valid.")
        return token.application.user, token

    def authenticate_header(self, request: Request) -> str:
        if "Authorization" in request.headers:
            return 'Bearer realm="bank", error="invalid_token"'
        return 'Bearer realm="bank"'
