"""Has autovacuum look at the journal and its events more often, on PostgreSQL.

By default it comes after a fifth of a table has changed, and reads all that at once. For a journal
of a billion rows that is every 200 million. Now it comes after a fiftieth. It finds the pages that
were written lately in memory, and marks their rows as visible to all, so that index-only scans need
not read them.

A completed transaction and an event hardly change any more, so their rows are frozen on the first
visit (`autovacuum_freeze_min_age` 0). Otherwise each page is written once more, and the whole
journal read, each 200 million database transactions.
"""

from django.db import migrations

from core.sql.storage import storage_parameters

_OFTEN = {
    "autovacuum_vacuum_scale_factor": 0.02,
    "autovacuum_vacuum_insert_scale_factor": 0.02,
    "autovacuum_analyze_scale_factor": 0.02,
    "autovacuum_freeze_min_age": 0,
}


class Migration(migrations.Migration):
    dependencies = [("transactions", "0014_hold_events")]

    operations = [
        storage_parameters("transactions_transaction", **_OFTEN),
        storage_parameters("transactions_transactionevent", **_OFTEN),
    ]
