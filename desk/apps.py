from django.apps import AppConfig

from desk.guards import GUARDS


class DeskConfig(AppConfig):
    name = "desk"
    database_objects = GUARDS

    def ready(self) -> None:
        from core import background
        from desk.working import FilePoster

        background.register(FilePoster)
