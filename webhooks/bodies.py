"""What the routes of webhooks take."""

from typing import Any

from rest_framework import serializers

from core.api.fields import (
    OffsetDateTimeField,
    StrictBooleanField,
    StrictCharField,
    StrictUUIDField,
)
from core.api.requests import PageQuery
from core.api.serializers import StrictSerializer
from events.changes import TYPES
from webhooks.addresses import MOST_URL_CHARACTERS
from webhooks.states import DeliveryStatus

_URL = "Where events go: `https://`, a public host, port 443 or from 1024 on."
_TYPES = "Types of events, as in `events/`; an empty list for all."
EVENT_ID = "`id` of the event, which is the `webhook-id` of its messages."


def types_field(**options: Any) -> serializers.ListField:
    return serializers.ListField(
        child=serializers.ChoiceField(TYPES),
        max_length=len(TYPES),
        help_text=_TYPES,
        **options,
    )


class WebhookBody(StrictSerializer):
    """The body of `POST webhooks/`."""

    url = StrictCharField(max_length=MOST_URL_CHARACTERS, help_text=_URL)
    types = types_field(required=False)
    description = StrictCharField(
        required=False, allow_blank=True, max_length=200, help_text="For people."
    )


class ChangeWebhookBody(StrictSerializer):
    """The body of `PATCH webhooks/{webhook_id}/`: at least one of the members."""

    url = StrictCharField(required=False, max_length=MOST_URL_CHARACTERS, help_text=_URL)
    types = types_field(required=False)
    description = StrictCharField(
        required=False, allow_blank=True, max_length=200, help_text="For people."
    )
    is_on = StrictBooleanField(
        required=False,
        help_text="False: nothing is sent. True: it gets all that came since it was switched off.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError("Give what to change.", code="required")
        return attrs


class DeliveryQuery(PageQuery):
    """The parameters of the list of deliveries."""

    status = serializers.ChoiceField(
        DeliveryStatus.choices, required=False, help_text="Only deliveries in this state."
    )


class ReplayBody(StrictSerializer):
    """What to deliver again: one event, or what was taken up in a time."""

    event_id = StrictUUIDField(required=False, help_text=EVENT_ID)
    after = OffsetDateTimeField(
        required=False, help_text="Deliveries with `created_at` from this moment on."
    )
    before = OffsetDateTimeField(required=False, help_text="And before this moment.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if set(attrs) not in ({"event_id"}, {"after", "before"}):
            raise serializers.ValidationError(
                "Give either event_id, or both after and before.", code="required"
            )
        return attrs


class SkipBody(StrictSerializer):
    """The event to leave out."""

    event_id = StrictUUIDField(help_text=EVENT_ID)
