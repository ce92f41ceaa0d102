"""Webhooks for staff: what each gets, what failed, and buttons to set it right."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesRadioFilter
from unfold.decorators import action, display

from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.admin import ReadOnlyModelAdmin, badge, link_to
from core.console.admin_filters import DaysById
from core.console.command_form import form_page
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint
from webhooks.permissions import CanManageWebhooks
from webhooks.states import DeliveryStatus

_COLOURS = {
    "On": "success",
    "Failing": "danger",
    "Off": "plain",
    "Waiting": "warning",
    "Delivered": "success",
    "Skipped": "plain",
}


def _may_manage(request: HttpRequest) -> bool:
    return has_right(request.user, CanManageWebhooks.right)


class _Buttons(ReadOnlyModelAdmin):
    """An admin whose buttons ask once more, and then change the row."""

    def _page(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        explanation: str,
        run: Callable[[Any], str],
    ) -> HttpResponse:
        """`run` takes the row, and returns the message to show."""
        row = self.get_object(request, object_id)
        assert row is not None, "The permission check has found it."
        back = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=(row.pk,))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": f"{self._name_of(row)}: {explanation}",
        }
        form = forms.Form(request.POST if request.method == "POST" else None)
        return form_page(request, context, form=form, back=back, run=lambda _: run(row))

    def _name_of(self, row: Any) -> str:
        return str(row)


@admin.register(Endpoint)
class EndpointAdmin(_Buttons):
    when_empty = "No program gets events yet. Programs make webhooks with the API."
    list_display = ("of_address", "shown_state", "description", "user", "failing_since")
    list_select_related = ("user",)
    list_filter = (("is_on", BooleanRadioFilter), ("created_at", DaysById))
    actions_detail = ("deliveries", "send_test", "switch_on", "switch_off")
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

    def has_switch_on_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may_switch(request, object_id, to=True)

    def has_switch_off_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may_switch(request, object_id, to=False)

    def has_manage_permission(self, request: HttpRequest, _id: str = "") -> bool:
        return _may_manage(request)

    def _may_switch(self, request: HttpRequest, object_id: str, *, to: bool) -> bool:
        if not _may_manage(request):
            return False
        endpoint = self.get_object(request, object_id)
        return endpoint is not None and endpoint.is_on != to

    @action(description="Deliveries", icon="outbox", permissions=["view"])
    def deliveries(self, request: HttpRequest, object_id: str) -> HttpResponse:
        page = reverse("admin:webhooks_delivery_changelist")
        return redirect(f"{page}?endpoint={object_id}")

    @action(description="Send a test", icon="send", permissions=["view", "manage"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(endpoint: Endpoint) -> str:
            replay.send_test(endpoint)
            return "A test comes after the deliveries that wait."

        explanation = "The address gets a message of the type webhook.test."
        return self._page(request, object_id, "Send a test", explanation, run)

    @action(description="Switch on", icon="play_arrow", permissions=["view", "switch_on"])
    def switch_on(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(endpoint: Endpoint) -> str:
            endpoints.change(endpoint, origin_of(request), {"is_on": True})
            return "It is on, and gets all that came since it was switched off."

        explanation = "The address gets all events since the webhook was switched off."
        return self._page(request, object_id, "Switch on", explanation, run)

    @action(description="Switch off", icon="pause", permissions=["view", "switch_off"])
    def switch_off(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(endpoint: Endpoint) -> str:
            endpoints.change(endpoint, origin_of(request), {"is_on": False})
            return "It is off. Nothing is lost: switched on, it gets what it has missed."

        explanation = "The address gets nothing until someone switches the webhook on."
        return self._page(request, object_id, "Switch off", explanation, run)

    @display(description="Address")
    def of_address(self, endpoint: Endpoint) -> str:
        return str(endpoint)

    @display(description="State")
    def shown_state(self, endpoint: Endpoint) -> SafeString:
        if not endpoint.is_on:
            return badge("Off", _COLOURS)
        return badge("Failing" if endpoint.failing_since else "On", _COLOURS)

    @display(description="Types")
    def shown_types(self, endpoint: Endpoint) -> str:
        return ", ".join(endpoint.types) or "All"


@admin.register(Delivery)
class DeliveryAdmin(_Buttons):
    when_empty = "Nothing was delivered yet."
    list_display = ("created_at", "of_endpoint", "type", "shown_status", "attempt_count")
    list_select_related = ("endpoint",)
    list_filter = (("status", ChoicesRadioFilter), ("created_at", DaysById))
    linked_by = ("endpoint",)
    actions_detail = ("send_again", "skip")
    fieldsets = (
        (
            "Delivery",
            {
                "fields": (
                    ("of_endpoint", "shown_status"),
                    ("type", "event_id"),
                    ("created_at", "ended_at"),
                    ("attempt_count", "id"),
                    "shown_attempts",
                    "body",
                )
            },
        ),
    )

    def has_again_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, waits=False)

    def has_skip_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, waits=True)

    def _may(self, request: HttpRequest, object_id: str, *, waits: bool) -> bool:
        if not _may_manage(request):
            return False
        delivery = self.get_object(request, object_id)
        return delivery is not None and (delivery.status == DeliveryStatus.WAITING) == waits

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.select_related("endpoint")

    @action(description="Send again", icon="replay", permissions=["view", "again"])
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(delivery: Delivery) -> str:
            replay.replay_event(delivery.endpoint, delivery.event_id)
            return "It comes again after the deliveries that wait."

        explanation = "The address gets this event once more, with the same webhook-id."
        return self._page(request, object_id, "Send again", explanation, run)

    @action(description="Skip", icon="skip_next", permissions=["view", "skip"])
    def skip(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(delivery: Delivery) -> str:
            replay.skip(delivery.endpoint, delivery.event_id)
            return "It is left out, and the later ones come."

        explanation = "The address never gets this event, unless someone sends it again."
        return self._page(request, object_id, "Skip", explanation, run)

    def _name_of(self, row: Delivery) -> str:
        return f"{row.type} for {row.endpoint}"

    @display(description="Webhook")
    def of_endpoint(self, delivery: Delivery) -> SafeString:
        return link_to(delivery.endpoint, str(delivery.endpoint))

    @display(description="Status")
    def shown_status(self, delivery: Delivery) -> SafeString:
        return badge(delivery.get_status_display(), _COLOURS)

    @display(description="Last attempts")
    def shown_attempts(self, delivery: Delivery) -> SafeString | str:
        lines = [
            format_html(
                "{}: {}, {} ms", one["at"], one["status"] or one["error"], one["milliseconds"]
            )
            for one in reversed(delivery.attempts)
        ]
        return SafeString("<br>".join(lines)) if lines else "None yet"
