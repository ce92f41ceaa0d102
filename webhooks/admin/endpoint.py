"""Webhooks: the list, a page for each, and the buttons that make, change and serve them."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from core.api.requests import origin_of
from core.console.admin import badge
from core.console.admin_filters import DaysById
from core.console.command_form import in_one_line, show_error, show_form
from core.errors import BankError, InvalidTransition
from webhooks import endpoints, replay
from webhooks.admin.buttons import COLOURS, RowWithButtons, may_manage, page_of
from webhooks.admin.forms import ChangeWebhookForm, NewWebhookForm, ReplayForm, SecretForm
from webhooks.models import Endpoint

_LIST = "admin:webhooks_endpoint_changelist"
_MADE_BEFORE = (
    "This webhook was already made, and its secret was shown then. If you have not seen the"
    " secret, ask for a new one."
)
_REPLACED_BEFORE = (
    "The secret was already replaced, and the new one was shown then. If you have not seen it, ask"
    " for another."
)


@admin.register(Endpoint)
class EndpointAdmin(RowWithButtons):
    when_empty = (
        "No program gets events yet. Make its webhook with the button above, or with the API."
    )
    list_display = ("of_address", "shown_state", "description", "user", "failing_since")
    list_select_related = ("user",)
    list_filter = (("is_on", BooleanRadioFilter), ("created_at", DaysById))
    actions_list = ("make_webhook",)
    actions_detail = (
        *("deliveries", "change_webhook", "send_test", "replay_range", "new_secret"),
        *("try_now", "switch_on", "switch_off", "delete_webhook"),
    )
    fieldsets = (
        (
            "Webhook",
            {
                "fields": (
                    ("url", "shown_state"),
                    ("shown_types", "description"),
                    ("user", "caller"),
                    ("failing_since", "next_at"),
                    "off_reason",
                    ("created_at", "updated_at"),
                    "id",
                )
            },
        ),
    )

    def has_make_permission(self, request: HttpRequest) -> bool:
        return may_manage(request)

    def has_manage_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return may_manage(request)

    def has_try_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may_switch(request, object_id, to=False) and bool(
            self.get_object(request, object_id).failing_since
        )

    def has_switch_on_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may_switch(request, object_id, to=True)

    def has_switch_off_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may_switch(request, object_id, to=False)

    def _may_switch(self, request: HttpRequest, object_id: str, *, to: bool) -> bool:
        if not may_manage(request):
            return False
        endpoint = self.get_object(request, object_id)
        return endpoint is not None and endpoint.is_on != to

    # Making, changing, deleting -------------------------------------------------------------------

    @action(
        description="Make a webhook",
        url_path="make",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "make"],
    )
    def make_webhook(self, request: HttpRequest) -> HttpResponse:
        form = NewWebhookForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                return self._made(request, **form.cleaned_data)
            except BankError as error:
                show_error(form, error)
            except IntegrityError:
                messages.warning(request, _MADE_BEFORE)
                return redirect(page_of(Endpoint.objects.get(pk=form.cleaned_data["key"])))
        context = {
            **self.admin_site.each_context(request),
            "title": "Make a webhook",
            "explanation": "The address gets the events that you may see, from now on. The secret"
            " that signs them is shown once, on the next page.",
        }
        return show_form(request, context, form=form, back=reverse(_LIST))

    @sensitive_variables("secret")
    def _made(self, request: HttpRequest, *, key: Any, **values: Any) -> HttpResponse:
        endpoint, secret = endpoints.make(request.user, origin_of(request), new_id=key, **values)
        return self._secret_page(request, endpoint, "Webhook made", secret)

    @sensitive_variables("secret")
    def _secret_page(
        self, request: HttpRequest, endpoint: Endpoint, title: str, secret: str, note: str = ""
    ) -> HttpResponse:
        """The only page that shows the secret."""
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "endpoint": endpoint,
            "secret": secret,
            "note": note or "The receiver verifies with it that a message comes from this bank.",
            "page": page_of(endpoint),
        }
        return TemplateResponse(request, "webhooks/secret.html", context)

    @action(description="Change", icon="edit", permissions=["view", "manage"])
    def change_webhook(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.row(request, object_id)
        form = ChangeWebhookForm(request.POST or None, endpoint)

        def run(_: dict[str, Any]) -> str:
            if not (values := form.changed()):
                return "Nothing was changed."
            endpoints.change(endpoint, origin_of(request), values)
            return "The webhook is changed."

        explanation = "What waits goes to the new URL too."
        return self.page(
            request, endpoint, title="Change", explanation=explanation, run=run, form=form
        )

    @action(description="New secret", icon="key", permissions=["view", "manage"])
    def new_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.row(request, object_id)
        form = SecretForm(request.POST or None, initial={"shown": _replaced_at(endpoint)})
        if request.method == "POST" and form.is_valid():
            try:
                return self._replaced(request, endpoint, form.cleaned_data["shown"])
            except InvalidTransition as error:
                messages.warning(request, in_one_line(error))
                return HttpResponseRedirect(page_of(endpoint))
        context = {
            **self.admin_site.each_context(request),
            "title": "New secret",
            "explanation": f"{endpoint}: the next page shows the new secret, once. For 24 hours the"
            " present one signs too.",
        }
        return show_form(request, context, form=form, back=page_of(endpoint))

    @sensitive_variables("secret")
    def _replaced(self, request: HttpRequest, endpoint: Endpoint, shown: str) -> HttpResponse:
        """Raises InvalidTransition for a form sent twice."""
        if shown != _replaced_at(endpoint):
            raise InvalidTransition(_REPLACED_BEFORE)
        secret = endpoints.give_new_secret(endpoint, origin_of(request))
        note = "For 24 hours the old secret signs too. Give the receiver the new one within that."
        return self._secret_page(request, endpoint, "New secret", secret, note)

    @action(
        description="Delete",
        icon="delete",
        variant=ActionVariant.DANGER,
        permissions=["view", "manage"],
    )
    def delete_webhook(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            endpoints.delete(endpoint, origin_of(request))
            return f"The webhook to {endpoint} is deleted."

        explanation = "It goes with its deliveries, also those that wait. This cannot be undone."
        page = partial(self.page, request, endpoint, title="Delete", explanation=explanation)
        return page(run=run, back=reverse(_LIST) if request.method == "POST" else "")

    # Deliveries -----------------------------------------------------------------------------------

    @action(description="Deliveries", icon="outbox", permissions=["view"])
    def deliveries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = reverse("admin:webhooks_delivery_changelist")
        return redirect(f"{page}?endpoint={object_id}")

    @action(description="Send a test", icon="send", permissions=["view", "manage"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            replay.send_test(endpoint, origin_of(request))
            return "A test comes after the deliveries that wait."

        explanation = "The address gets a message of the type webhook.test."
        return self.page(request, endpoint, title="Send a test", explanation=explanation, run=run)

    @action(description="Send again", icon="replay", permissions=["view", "manage"])
    def replay_range(self, request: HttpRequest, object_id: str) -> HttpResponse:
        endpoint = self.row(request, object_id)

        def run(values: dict[str, Any]) -> str:
            count = replay.replay_range(
                endpoint, origin_of(request), values["after"], values["before"]
            )
            return f"Deliveries that come again, after those that wait: {count:,}."

        explanation = "The address gets the events of this time once more, in their order."
        form = ReplayForm(request.POST or None)
        return self.page(
            request, endpoint, title="Send again", explanation=explanation, run=run, form=form
        )

    @action(description="Try now", icon="refresh", permissions=["view", "try"])
    def try_now(self, request: HttpRequest, object_id: str) -> HttpResponse:
        explanation = "The bank does not wait for the end of the pause after the last failure."
        done = "The next attempt is at once."
        return self._switch(request, object_id, True, "Try now", explanation, done)

    @action(description="Switch on", icon="play_arrow", permissions=["view", "switch_on"])
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        explanation = "The address gets all events since the webhook was switched off."
        done = "It is on, and gets all that came since it was switched off."
        return self._switch(request, object_id, True, "Switch on", explanation, done)

    @action(description="Switch off", icon="pause", permissions=["view", "switch_off"])
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        explanation = "The address gets nothing until someone switches the webhook on."
        done = "It is off. Nothing is lost: switched on, it gets what it has missed."
        return self._switch(request, object_id, False, "Switch off", explanation, done)

    def _switch(
        self, request: HttpRequest, object_id: str, is_on: bool, *texts: str
    ) -> HttpResponse:
        """A page that switches the webhook. The texts are its title, explanation and message."""
        endpoint, (title, explanation, done) = self.row(request, object_id), texts

        def run(_: dict[str, Any]) -> str:
            endpoints.change(endpoint, origin_of(request), {"is_on": is_on})
            return done

        return self.page(request, endpoint, title=title, explanation=explanation, run=run)

    # Columns --------------------------------------------------------------------------------------

    @display(description="Address")
    def of_address(self, endpoint: Endpoint) -> str:
        return str(endpoint)

    @display(description="State")
    def shown_state(self, endpoint: Endpoint) -> SafeString:
        if not endpoint.is_on:
            return badge("Off", COLOURS)
        return badge("Failing" if endpoint.failing_since else "On", COLOURS)

    @display(description="Types")
    def shown_types(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.types) or "All"


def _replaced_at(endpoint: Endpoint) -> str:
    """When the secret was replaced last, in a form that only the next replacement changes."""
    return str(endpoint.old_secret_until or "")
