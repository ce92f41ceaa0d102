from django.apps import AppConfig

from transactions.guards.archive import OBJECTS as ARCHIVE_OBJECTS
from transactions.guards.holds import OBJECTS as HOLD_OBJECTS
from transactions.guards.journal import OBJECTS
from transactions.guards.notes import OBJECTS as NOTE_OBJECTS


class TransactionsConfig(AppConfig):
    name = "transactions"
    database_objects = [*OBJECTS, *ARCHIVE_OBJECTS, *NOTE_OBJECTS, *HOLD_OBJECTS]

    def ready(self) -> None:
        from core.commands import install_processor
        from core.console.bars import register
        from transactions.admin.books import bar_of_broken_books
        from transactions.ledger.processor import process

        install_processor(process)
        register(bar_of_broken_books)
