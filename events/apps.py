from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from events import positions


class EventsConfig(AppConfig):
    name = "events"
    database_need = staticmethod(positions.need)

    def ready(self) -> None:
        # One signal is enough, and auth always has models.
        sender = apps.get_app_config("contenttypes")
        post_migrate.connect(positions.after_migrate, sender=sender)
