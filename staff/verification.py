"""The one rule of multi-factor authentication: whether a session may be used."""

from typing import Any

from django.conf import settings


def is_verified_enough(user: Any) -> bool:
    """Whether the logged-in user has given a code, or needs none.

    `user` is the request's, to which OTPMiddleware has added the session's state. A session from
    before enrolment is unverified, and so is one whose authenticator was reset.
    """
    return not settings.REQUIRE_MFA or bool(user.is_verified())
