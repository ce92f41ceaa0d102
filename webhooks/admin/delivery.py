"""Deliveries: what was sent, waits or was left out, and buttons to set it right."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import action, display

from core.api.requests import origin_of
from core.console.admin import badge, link_to
from core.console.admin_filters import DaysById
from webhooks import replay
from webhooks.admin.buttons import COLOURS, RowWithButtons, may_manage
from webhooks.models import Delivery
from webhooks.states import DeliveryStatus


@admin.register(Delivery)
class DeliveryAdmin(RowWithButtons):
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
        if not may_manage(request):
            return False
        delivery = self.get_object(request, object_id)
        return delivery is not None and (delivery.status == DeliveryStatus.WAITING) == waits

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        rows: QuerySet[Delivery] = super().get_queryset(request)
        return rows.select_related("endpoint")

    @action(description="Send again", icon="replay", permissions=["view", "again"])
    def send_again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            replay.replay_event(delivery.endpoint, origin_of(request), delivery.event_id)
            return "It comes again after the deliveries that wait."

        explanation = "The address gets this event once more, with the same webhook-id."
        return self.page(request, delivery, title="Send again", explanation=explanation, run=run)

    @action(description="Skip", icon="skip_next", permissions=["view", "skip"])
    def skip(self, request: HttpRequest, object_id: str) -> HttpResponse:
        delivery = self.row(request, object_id)

        def run(_: dict[str, Any]) -> str:
            replay.skip(delivery.endpoint, origin_of(request), delivery.event_id)
            return "It is left out, and the later ones come."

        explanation = "The address never gets this event, unless someone sends it again."
        return self.page(request, delivery, title="Skip", explanation=explanation, run=run)

    def name_of(self, row: Delivery) -> str:
        return f"{row.type} for {row.endpoint}"

    @display(description="Webhook")
    def of_endpoint(self, delivery: Delivery) -> SafeString:
        return link_to(delivery.endpoint, str(delivery.endpoint))

    @display(description="Status")
    def shown_status(self, delivery: Delivery) -> SafeString:
        return badge(delivery.get_status_display(), COLOURS)

    @display(description="Last attempts")
    def shown_attempts(self, delivery: Delivery) -> SafeString | str:
        lines = [
            format_html(
                "{}: {}, {} ms", one["at"], one["status"] or one["error"], one["milliseconds"]
            )
            for one in reversed(delivery.attempts)
        ]
        return SafeString("<br>".join(lines)) if lines else "None yet"
