"""API clients and their tokens, to read: nothing here shows or changes a secret.

The digests stay out too. They are worth nothing to staff, and nobody should get used to seeing
something that looks like a token.
"""

from django.contrib import admin
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken

from clients.models import ApiClient
from core.admin import ReadOnlyModelAdmin

# Grants that the bank does not have.
admin.site.unregister([Grant, IDToken, RefreshToken])
# The library's own pages show secrets and let staff change them.
admin.site.unregister([ApiClient, AccessToken])


@admin.register(ApiClient)
class ApiClientAdmin(ReadOnlyModelAdmin):
    list_display = ("name", "user", "shown_scopes", "is_active", "created")
    list_select_related = ("user",)
    list_filter = ("is_active",)
    search_fields = ("name", "client_id__exact", "user__username")
    fields = ("name", "client_id", "user", "shown_scopes", "is_active", "created", "updated")

    @admin.display(description="scopes")
    def shown_scopes(self, client: ApiClient) -> str:
        return " ".join(client.scopes)


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyModelAdmin):
    list_display = ("id", "application", "scope", "created", "expires")
    list_select_related = ("application",)
    search_fields = ("application__client_id__exact", "application__name")
    fields = ("id", "application", "scope", "created", "expires")
