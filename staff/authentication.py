"""The API by the session of the admin."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from staff.verification import is_verified_enough


class VerifiedSessionAuthentication(SessionAuthentication):
    """Staff who are logged in to the admin, with a code where one is required.

    Without it the request is anonymous, as it is for who has only come as far as enrolment: what is
    open to all stays open, everything else is 401.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_active or not is_verified_enough(user):
            return None
        authenticated: tuple[Any, None] | None = super().authenticate(request)
        return authenticated
