"""Routes of webhooks."""

from django.urls import path

from webhooks.views import WebhookViewSet

_ONE = "webhooks/<id:webhook_id>/"

urlpatterns = [
    path("webhooks/", WebhookViewSet.as_view({"get": "list", "post": "create"}), name="webhooks"),
    path(
        _ONE,
        WebhookViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="webhook",
    ),
    path(f"{_ONE}secret/", WebhookViewSet.as_view({"post": "secret"}), name="webhook-secret"),
    path(f"{_ONE}test/", WebhookViewSet.as_view({"post": "test"}), name="webhook-test"),
    path(
        f"{_ONE}deliveries/",
        WebhookViewSet.as_view({"get": "deliveries"}),
        name="webhook-deliveries",
    ),
    path(f"{_ONE}replay/", WebhookViewSet.as_view({"post": "replay"}), name="webhook-replay"),
    path(f"{_ONE}skip/", WebhookViewSet.as_view({"post": "skip"}), name="webhook-skip"),
]
