"""The one rule of multi-factor authentication: whether a session is good for anything."""

from typing import Any

from django.conf import settings


def is_verified_enough(user: Any) -> bool:
    """Whether who is logged in has given a code, or need not.

    `user` is that of the request, to which OTPMiddleware has added what the session says. A session
    from before the user enrolled is unverified, and so is one whose authenticator was reset.
    """
    return not settings.REQUIRE_MFA or bool(user.is_verified())
