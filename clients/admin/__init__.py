"""API clients and their tokens: to read, to create and to revoke.

A secret is shown on the page that answers its creation, and nowhere else. The digests stay out too:
they are worth nothing to staff, and nobody should get used to seeing something that looks like a
token.
"""

from django.contrib import admin
from oauth2_provider.models import Grant, IDToken, RefreshToken

from clients.admin.client import ApiClientAdmin
from clients.admin.token import AccessTokenAdmin

# Grants that the bank does not have.
admin.site.unregister([Grant, IDToken, RefreshToken])

__all__ = ["AccessTokenAdmin", "ApiClientAdmin"]
