from django.apps import AppConfig

from transactions.guards.archive import OBJECTS as ARCHIVE_OBJECTS
from transactions.guards.journal import OBJECTS


class TransactionsConfig(AppConfig):
    name = "transactions"
    database_objects = [*OBJECTS, *ARCHIVE_OBJECTS]

    def ready(self) -> None:
        from core.commands import install_processor
        from transactions.ledger.processor import process

        install_processor(process)
