"""Access tokens: client, scopes and expiry of each; and the button to revoke one."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import DELETION
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.safestring import SafeString
from oauth2_provider.models import AccessToken
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from clients.admin.rights import may_revoke
from core import clock
from core.console.admin import ReadOnlyModelAdmin, badge
from core.console.command_form import command_page
from core.staff_log import record

_COLOURS = {"Valid": "success", "Worth nothing": "danger", "Expired": "info"}

admin.site.unregister(AccessToken)


class _Titled:
    """A token with a title for its page. The library's title is "AccessToken #1"."""

    def __init__(self, token: AccessToken) -> None:
        self.pk = token.pk
        self._meta = token._meta
        self.title = _named(token)

    def __str__(self) -> str:
        return self.title


@admin.register(AccessToken)
class AccessTokenAdmin(ReadOnlyModelAdmin):
    when_empty = "No program has asked for a token yet."
    list_display = ("named", "client", "acts_as", "scope", "state", "created", "expires")
    list_select_related = ("application__user",)
    search_fields = ("application__client_id__exact", "application__name")
    search_help_text = "Name or id of the client"
    linked_by = ("application",)
    actions_detail = ("revoke",)
    change_form_outer_before_template = "clients/token_head.html"
    fieldsets = (
        (
            "Access token",
            {"fields": (("client", "acts_as"), ("scope", "state"), ("created", "expires"))},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("application__user")

    def has_revoke_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Checks the right only; `revoke` checks whether the token still exists."""
        return may_revoke(request.user)

    @action(
        description="Revoke",
        icon="block",
        variant=ActionVariant.DANGER,
        permissions=["view", "revoke"],
    )
    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        token = self.get_object(request, object_id)
        back = reverse("admin:oauth2_provider_accesstoken_changelist")
        if token is None:
            if request.method != "POST":
                raise Http404
            messages.warning(request, "This token was already revoked.")
            return HttpResponseRedirect(back)

        def run(reason: str) -> str:
            with transaction.atomic():
                record(
                    request.user.pk,
                    token,
                    f"{_named(token)} of {token.application}",
                    DELETION,
                    reason,
                )
                token.delete()
            return f"A token of {token.application} is revoked. The client can get another one."

        context = {
            **self.admin_site.each_context(request),
            "title": "Revoke",
            "explanation": f"A token of {token.application}, for {token.scope}. It becomes"
            " invalid at once. Its client can get another one; to prevent that, revoke the client.",
        }
        return command_page(request, context, back=back, run=run)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["buttons"] = context.pop("actions_detail", [])
        token = kwargs.get("obj")
        if token is not None:
            context |= {"original": _Titled(token), "subtitle": _named(token)}
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Token")
    def named(self, token: AccessToken) -> str:
        return _named(token)

    @display(description="Client")
    def client(self, token: AccessToken) -> str:
        return str(token.application)

    @display(description="Acts as")
    def acts_as(self, token: AccessToken) -> str:
        username: str = token.application.user.get_username()
        return username

    @display(description="State")
    def state(self, token: AccessToken) -> SafeString:
        if token.expires <= clock.about_now():
            return badge("Expired", _COLOURS)
        is_usable = token.application.is_usable(None)
        return badge("Valid" if is_usable else "Worth nothing", _COLOURS)


def _named(token: AccessToken) -> str:
    return f"Token {token.pk}"
