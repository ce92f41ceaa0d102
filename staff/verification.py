"""The one rule of the console and of API sessions: whether a session may be used."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from staff.one_time import must_be_replaced


def is_verified_enough(request: HttpRequest) -> bool:
    """Whether the logged-in user has chosen the password, and has given a code or needs none.

    OTPMiddleware has added the session's state to the request's user. A session from before
    enrolment is unverified, and so is one whose authenticator was reset.
    """
    user: Any = request.user
    if settings.REQUIRE_MFA and not user.is_verified():
        return False
    return not must_be_replaced(request)
