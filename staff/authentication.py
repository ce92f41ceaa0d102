"""Authentication of API requests by a session of the admin."""

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from staff.verification import is_verified_enough


class VerifiedSessionAuthentication(SessionAuthentication):
    """Accepts staff logged in to the admin, with a code if one is required.

    All other requests are anonymous, also those before enrolment is complete or before a one-time
    password is replaced: public routes stay open, all other routes respond 401.
    """

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        user = getattr(request._request, "user", None)
        if user is None or not user.is_active or not is_verified_enough(request._request):
            return None
        authenticated: tuple[Any, None] | None = super().authenticate(request)
        return authenticated
