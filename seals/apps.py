from django.apps import AppConfig

from seals.guards import OBJECTS


class SealsConfig(AppConfig):
    name = "seals"
    database_objects = OBJECTS

    def ready(self) -> None:
        from seals.verifier import check_files, check_seals, verify_since_seal
        from transactions.verifier import further

        further.register(rows=check_seals, files=check_files, short=verify_since_seal)
