"""Admin pages of API clients and their tokens: to view, create and revoke.

A secret is shown once, on the page after its creation. Digests are hidden too: they are of no use
to staff, and nobody should get used to seeing something that looks like a token.
"""

from django.contrib import admin
from oauth2_provider.models import Grant, IDToken, RefreshToken

from clients.admin.client import ApiClientAdmin
from clients.admin.token import AccessTokenAdmin

# The bank does not support these grants.
admin.site.unregister([Grant, IDToken, RefreshToken])

__all__ = ["AccessTokenAdmin", "ApiClientAdmin"]
