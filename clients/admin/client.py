"""API clients: the list, a page for each, and the buttons that create and revoke them."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, CHANGE
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_variables
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from clients.admin.forms import ClientForm
from clients.admin.rights import may_create, may_revoke
from clients.models import ApiClient
from clients.registry import create_client, revoke_client, rights_in_words
from core import clock
from core.console.admin import ReadOnlyModelAdmin, badge
from core.console.command_form import command_page, show_form
from core.staff_log import record

_COLOURS = {"Active": "success", "Revoked": "danger", "User inactive": "warning"}
_LIST = "admin:clients_apiclient_changelist"

# The library's own page shows secrets and lets staff change them.
admin.site.unregister(ApiClient)


@admin.register(ApiClient)
class ApiClientAdmin(ReadOnlyModelAdmin):
    when_empty = (
        "No program uses the API yet. Create its client with the button above, or with manage.py."
    )
    list_display = ("name", "user", "shown_scopes", "state", "last_use", "created")
    list_select_related = ("user",)
    list_filter = ("is_active",)
    search_fields = ("name", "client_id__exact", "user__username")
    search_help_text = "Name, client id or user name"
    view_on_site = False  # The bank does not have the library's page of a client.
    actions_list = ("create_client",)
    actions_detail = ("revoke",)
    change_form_outer_before_template = "clients/client_head.html"
    fieldsets = (
        (
            "API client",
            {
                "fields": (
                    ("name", "client_id"),
                    ("user", "state"),
                    ("shown_scopes", "tokens"),
                    ("last_use", "created"),
                )
            },
        ),
    )

    def has_create_permission(self, request: HttpRequest) -> bool:
        return may_create(request.user)

    def has_revoke_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Checks the right, and that the client is active. A form sent twice gets a message."""
        if not may_revoke(request.user):
            return False
        client = self.get_object(request, object_id)
        return client is not None and (client.is_active or request.method == "POST")

    @action(
        description="Create a client",
        url_path="create",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "create"],
    )
    def create_client(self, request: HttpRequest) -> HttpResponse:
        form = ClientForm(request.POST or None, creator=request.user)
        if request.method == "POST" and form.is_valid():
            try:
                return self._created(request, form.cleaned_data)
            except IntegrityError:
                client = ApiClient.objects.get(client_id=form.cleaned_data["key"].hex)
                words = "This client was already created, and its secret was shown then. If"
                messages.warning(
                    request,
                    f"{words} you have not seen the secret, revoke this client and create another.",
                )
                return HttpResponseRedirect(_page_of(client))
        context = {
            **self.admin_site.each_context(request),
            "title": "Create a client",
            "explanation": "For a program that uses the API. Its secret is shown once, on the next"
            " page.",
        }
        return show_form(request, context, form=form, back=reverse(_LIST))

    @sensitive_variables("secret")
    def _created(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        """The only page that shows the secret. Raises IntegrityError for a form sent twice."""
        with transaction.atomic():
            client, secret = create_client(
                values["name"],
                user=values["user"],
                scopes=values["scopes"],
                client_id=values["key"].hex,
            )
            words = rights_in_words(client)
            record(request.user.pk, client, client.name, ADDITION, words)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{client.name}: created",
            "client": client,
            "secret": secret,
            "token_url": request.build_absolute_uri(reverse("oauth-token")),
            "page": _page_of(client),
        }
        return TemplateResponse(request, "clients/created.html", context)

    @action(
        description="Revoke",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["view", "revoke"],
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        client = self.get_object(request, object_id)
        assert client is not None, "The permission check has found the client."

        def run(reason: str) -> str:
            with transaction.atomic():
                tokens = revoke_client(client)
                if tokens is None:
                    return f"{client.name} was already revoked."
                words = f"Revoked, with tokens: {tokens}. {reason}"
                record(request.user.pk, client, client.name, CHANGE, words)
            return f"{client.name} is revoked for good, and so are its tokens."

        context = {
            **self.admin_site.each_context(request),
            "title": "Revoke",
            "explanation": f"{client.name} acts as {client.user.get_username()}. Once revoked, it"
            " gets no more tokens, and its tokens become invalid at once. This cannot be undone:"
            " its program then needs another client.",
        }
        return command_page(request, context, back=_page_of(client), run=run)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Puts the buttons on the page itself: the theme's dropdown is not keyboard-accessible."""
        context["buttons"] = context.pop("actions_detail", [])
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Scopes")
    def shown_scopes(self, client: ApiClient) -> str:
        return ", ".join(client.scopes)

    @display(description="State")
    def state(self, client: ApiClient) -> str:
        if not client.is_active:
            return badge("Revoked", _COLOURS)
        return badge("Active" if client.user.is_active else "User inactive", _COLOURS)

    @display(description="Last use", ordering="last_token_at")
    def last_use(self, client: ApiClient) -> Any:
        """When the client last got a token. A client in use gets a new one at each expiry."""
        return client.last_token_at or "Never"

    @display(description="Tokens")
    def tokens(self, client: ApiClient) -> str:
        valid = client.accesstoken_set.filter(expires__gt=clock.about_now()).count()
        page = reverse("admin:oauth2_provider_accesstoken_changelist")
        query = urlencode({"application": client.pk})
        return format_html(
            '<a class="text-link" href="{}?{}">{} valid: show all</a>', page, query, f"{valid:,}"
        )


def _page_of(client: ApiClient) -> str:
    return reverse("admin:clients_apiclient_change", args=(client.pk,))
