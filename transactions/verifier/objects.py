"""L3: the database's guards and views are those of the code."""

from django.db.backends.base.base import BaseDatabaseWrapper

from core.database import missing_objects
from transactions.verifier.report import Collector, Place


def check(connection: BaseDatabaseWrapper, found: Collector) -> None:
    for name in missing_objects(connection):
        found.add(
            "L3.guard_missing",
            "All guards and views are in the database, switched on and as the code says.",
            Place({"database_object": name}, "as the code says", "missing, off or different"),
        )
