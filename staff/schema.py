"""OpenAPI description of session authentication."""

from drf_spectacular.authentication import SessionScheme


class VerifiedSessionScheme(SessionScheme):
    """A cookie, as in any session authentication."""

    target_class = "staff.authentication.VerifiedSessionAuthentication"
