from django.apps import AppConfig

from transactions.guards import OBJECTS


class TransactionsConfig(AppConfig):
    name = "transactions"
    database_objects = OBJECTS

    def ready(self) -> None:
        from core.commands import install_processor
        from transactions.processor import process

        install_processor(process)
