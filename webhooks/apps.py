from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        from core import background
        from webhooks.working import WebhookDeliveries

        background.register(WebhookDeliveries)
