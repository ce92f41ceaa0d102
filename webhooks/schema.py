"""The API's description of webhooks."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from core.api.describe import errors, page_example, page_of, request_example, response_example
from core.api.fields import OffsetDateTimeField
from core.api.requests import PageQuery
from events.schema import EVENT_EXAMPLE
from webhooks import bodies
from webhooks.bodies import EVENT_ID, types_field
from webhooks.states import DeliveryStatus

TAG = "Webhooks"

_ID = OpenApiParameter(
    "webhook_id", UUID, OpenApiParameter.PATH, description="Identifier of the webhook (UUID)."
)


class WebhookSerializer(serializers.Serializer[Any]):
    """A webhook."""

    webhook_id = serializers.UUIDField(help_text="Identifier (UUIDv7).")
    url = serializers.CharField(help_text="Where events go.")
    types = types_field()
    description = serializers.CharField(help_text="For people.")
    user = serializers.CharField(help_text="The webhook gets the events that this user may see.")
    is_on = serializers.BooleanField(help_text="Whether events are sent.")
    off_reason = serializers.CharField(help_text="Why it is off; else empty.")
    failing_since = OffsetDateTimeField(
        allow_null=True, help_text="The first failure since the last success (UTC); else null."
    )
    next_attempt_at = OffsetDateTimeField(
        allow_null=True, help_text="After a failure, the earliest next attempt (UTC); else null."
    )
    created_at = OffsetDateTimeField(help_text="When it was made (UTC).")


class SecretSerializer(serializers.Serializer[Any]):
    """A new secret, which no other response has."""

    webhook_id = serializers.UUIDField(help_text="Identifier of the webhook.")
    secret = serializers.CharField(help_text="The secret that signs its messages (`whsec_`...).")


class NewWebhookSerializer(WebhookSerializer):
    """A new webhook with its secret, which no other response has."""

    secret = serializers.CharField(help_text="The secret that signs its messages (`whsec_`...).")


class AttemptSerializer(serializers.Serializer[Any]):
    """One request to the URL."""

    at = OffsetDateTimeField(help_text="Its beginning (UTC).")
    status = serializers.IntegerField(
        allow_null=True, help_text="Status of the answer; null without one. 2xx is a success."
    )
    error = serializers.CharField(help_text="Why there was no answer; else empty.")
    milliseconds = serializers.IntegerField(help_text="How long it took.")


class DeliverySerializer(serializers.Serializer[Any]):
    """One event for one webhook."""

    delivery_id = serializers.UUIDField(help_text="Identifier (UUIDv7), in the order of delivery.")
    event_id = serializers.UUIDField(help_text=EVENT_ID)
    type = serializers.CharField(help_text="Type of the event; `webhook.test` for a test.")
    status = serializers.ChoiceField(
        DeliveryStatus.choices, help_text="Whether it waits, was taken, or was left out."
    )
    attempt_count = serializers.IntegerField(help_text="Attempts so far.")
    attempts = AttemptSerializer(many=True, help_text="The last 20 of them, the oldest first.")
    created_at = OffsetDateTimeField(help_text="When the event was taken up for delivery (UTC).")
    ended_at = OffsetDateTimeField(
        allow_null=True, help_text="When it was taken or left out (UTC); else null."
    )


class ReplaySerializer(serializers.Serializer[Any]):
    """How many deliveries were added."""

    deliveries = serializers.IntegerField(help_text="New deliveries, after those that wait.")


WEBHOOK_EXAMPLE: dict[str, Any] = {
    "webhook_id": "019c17d6-3b50-7d11-8000-6f2a9c41d0e8",
    "url": "https://shop.example/bank/events",
    "types": ["transaction.completed", "transaction.failed"],
    "description": "The shop's payments",
    "user": "susan",
    "is_on": True,
    "off_reason": "",
    "failing_since": None,
    "next_attempt_at": None,
    "created_at": "2026-02-01T09:30:00.000000Z",
}
SKIPPED_EVENT = "019c17d7-51c2-7e22-8000-70b3ad52e1f9"
_SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwc2VkX2VudmVyc2U="}
_DELIVERY = {
    "delivery_id": "019c17d7-7a10-7f33-8000-81c4be63f20a",
    "event_id": EVENT_EXAMPLE["id"],
    "type": EVENT_EXAMPLE["type"],
    "status": "DELIVERED",
    "attempt_count": 1,
    "attempts": [
        {"at": "2026-02-01T09:31:00.000000Z", "status": 204, "error": "", "milliseconds": 84}
    ],
    "created_at": "2026-02-01T09:30:59.900000Z",
    "ended_at": "2026-02-01T09:31:00.090000Z",
}
_NEW = {name: WEBHOOK_EXAMPLE[name] for name in ("url", "types", "description")}


_created = response_example("New", WEBHOOK_EXAMPLE | _SECRET, 201)

list_webhooks = extend_schema(
    operation_id="webhooks_list",
    tags=[TAG],
    summary="Webhooks",
    description="Newest first. Customers see their own; staff see all.",
    parameters=[PageQuery],
    responses=page_of(WebhookSerializer, "WebhookPage"),
    examples=[page_example(WEBHOOK_EXAMPLE, "webhooks/")],
)
create_webhook = extend_schema(
    operation_id="webhooks_create",
    tags=[TAG],
    summary="Make a webhook",
    description="It gets the events that the caller may see, from now on. The response has the"
    " secret, which cannot be read again. Needs `events:read` too.",
    request=bodies.WebhookBody,
    responses={201: NewWebhookSerializer},
    examples=[request_example(_NEW), _created],
    extensions=errors("validation_error"),
)
retrieve_webhook = extend_schema(
    operation_id="webhooks_retrieve",
    tags=[TAG],
    summary="Read a webhook",
    parameters=[_ID],
    responses=WebhookSerializer,
    examples=[response_example("Webhook", WEBHOOK_EXAMPLE)],
)
change_webhook = extend_schema(
    operation_id="webhooks_change",
    tags=[TAG],
    summary="Change a webhook, or switch it on or off",
    description="Switched on again, it gets all that came since then.",
    parameters=[_ID],
    request=bodies.ChangeWebhookBody,
    responses=WebhookSerializer,
    examples=[
        request_example({"description": "Payments of the shop"}),
        response_example("Webhook", WEBHOOK_EXAMPLE),
    ],
    extensions=errors("validation_error"),
)
delete_webhook = extend_schema(
    operation_id="webhooks_delete",
    tags=[TAG],
    summary="Delete a webhook",
    description="With its deliveries.",
    parameters=[_ID],
    responses={204: None},
)
new_secret = extend_schema(
    operation_id="webhooks_secret",
    tags=[TAG],
    summary="Give a webhook a new secret",
    description="For 24 hours messages are signed under the old secret too.",
    parameters=[_ID],
    request=None,
    responses=SecretSerializer,
    examples=[response_example("Secret", {"webhook_id": WEBHOOK_EXAMPLE["webhook_id"], **_SECRET})],
    extensions=errors("invalid_transition"),
)
test_webhook = extend_schema(
    operation_id="webhooks_test",
    tags=[TAG],
    summary="Send a test",
    description="A message of the type `webhook.test`, after the deliveries that wait.",
    parameters=[_ID],
    request=None,
    responses={202: DeliverySerializer},
    examples=[
        response_example(
            "Test",
            _DELIVERY
            | {
                "type": "webhook.test",
                "status": "WAITING",
                "attempt_count": 0,
                "attempts": [],
                "ended_at": None,
            },
            202,
        )
    ],
    extensions=errors("invalid_transition"),
)
list_deliveries = extend_schema(
    operation_id="webhooks_deliveries",
    tags=[TAG],
    summary="Deliveries of a webhook",
    description="Newest first. An ended delivery is kept for 30 days.",
    parameters=[_ID, bodies.DeliveryQuery],
    responses=page_of(DeliverySerializer, "DeliveryPage"),
    examples=[page_example(_DELIVERY, f"webhooks/{WEBHOOK_EXAMPLE['webhook_id']}/deliveries/")],
)
replay_deliveries = extend_schema(
    operation_id="webhooks_replay",
    tags=[TAG],
    summary="Deliver again",
    description="One event, or the events of a time, 1,000 at most, after the deliveries that"
    " wait. A message has the same `webhook-id` as before.",
    parameters=[_ID],
    request=bodies.ReplayBody,
    responses={202: ReplaySerializer},
    examples=[
        request_example({"event_id": EVENT_EXAMPLE["id"]}),
        response_example("Added", {"deliveries": 1}, 202),
    ],
    extensions=errors("validation_error", "invalid_transition"),
)
skip_delivery = extend_schema(
    operation_id="webhooks_skip",
    tags=[TAG],
    summary="Leave an event out",
    description="For an event that the receiver never takes: the later ones wait for it.",
    parameters=[_ID],
    request=bodies.SkipBody,
    responses=WebhookSerializer,
    examples=[
        request_example({"event_id": SKIPPED_EVENT}),
        response_example("Webhook", WEBHOOK_EXAMPLE),
    ],
    extensions=errors("validation_error"),
)
