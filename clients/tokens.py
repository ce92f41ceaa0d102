"""Finding the token that a request carries."""

import hashlib

from django.utils import timezone
from oauth2_provider.models import AccessToken


def usable_token(raw_token: str) -> AccessToken | None:
    """The token with its client and user; None for all alike that is good for nothing.

    That is a token that is unknown, expired or revoked, or whose client or user is inactive. One
    SQL statement.
    """
    return (
        AccessToken.objects.select_related("application__user")
        .filter(
            token_checksum=hashlib.sha256(raw_token.encode()).hexdigest(),
            expires__gt=timezone.now(),
            application__is_active=True,
            application__user__is_active=True,
        )
        .first()
    )
