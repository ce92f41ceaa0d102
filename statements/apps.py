from django.apps import AppConfig

from statements.guards import GUARDS


class StatementsConfig(AppConfig):
    name = "statements"
    database_objects = GUARDS

    def ready(self) -> None:
        from statements.verifying import check
        from transactions.verifier import further

        further.register(rows=check)
