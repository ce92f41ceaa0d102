"""Counts of the checked rows."""

from django.db.backends.base.base import BaseDatabaseWrapper

from core.database import all_objects
from transactions.verifier.sql import EVENTS, JOURNAL, POSTINGS

_COUNTED = {
    "accounts": "accounts_account",
    "currencies": "(SELECT DISTINCT currency FROM accounts_account) AS currencies",
    "transactions": JOURNAL,
    "entries": f"{POSTINGS} AS postings",
    "events": EVENTS,
    "customers": "customers_customer",
    "customer_events": "customers_customerevent",
}


def counts(connection: BaseDatabaseWrapper) -> dict[str, int]:
    """The number of rows by name, internal accounts and their entries included."""
    columns = ", ".join(f"(SELECT count(*) FROM {source})" for source in _COUNTED.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}")
        found = dict(zip(_COUNTED, cursor.fetchone(), strict=True))
    return found | {"guards_and_views": len(all_objects(connection.vendor))}
