"""Programs that use the API."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from oauth2_provider.models import AbstractApplication

from clients.scopes import SCOPES


def validate_scopes(scopes: object) -> None:
    """Raises ValidationError unless this is a list of existing scopes."""
    if not isinstance(scopes, list) or not scopes or not set(scopes) <= set(SCOPES):
        raise ValidationError(f"Scopes are one or more of: {', '.join(SCOPES)}.")


class ApiClient(AbstractApplication):
    """A confidential OAuth2 client (RFC 6749, section 4.4: client credentials).

    It acts as `user`: with the roles of a member of staff, or on a customer's own accounts. Its
    tokens have at most `scopes`. If the client or its user is inactive, it gets no tokens, and
    existing tokens are invalid.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="api_clients",
        help_text="Whose rights the client has.",
    )
    scopes = models.JSONField(
        default=list, validators=[validate_scopes], help_text="What its tokens may be good for."
    )
    is_active = models.BooleanField(default=True)
    last_token_at = models.DateTimeField(
        "last use", null=True, editable=False, help_text="When it last got a token."
    )

    class Meta:
        verbose_name = "API client"
        default_permissions = ("view",)
        permissions = (
            ("manage_apiclient", "Can create and revoke API clients"),
            ("revoke_apiclient", "Can revoke API clients and their tokens"),
        )

    def __str__(self) -> str:
        return self.name

    def is_usable(self, request: Any) -> bool:
        return self.is_active and self.user.is_active
