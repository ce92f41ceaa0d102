"""What the OpenAPI schema says of sessions."""

from drf_spectacular.authentication import SessionScheme


class VerifiedSessionScheme(SessionScheme):
    """A cookie, as for any other session."""

    target_class = "staff.authentication.VerifiedSessionAuthentication"
