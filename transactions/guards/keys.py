"""Database guards of idempotency keys: each key belongs to one request, of any kind.

The keys of a caller share one space, spread over three tables. Within a table a unique index lets
one request win. Across tables, concurrent database transactions on PostgreSQL cannot see each
other's rows. So each insert takes the lock of its key, looks for the key under that lock, and keeps
the lock until the commit. New transactions share a lock; new accounts and batches take it
exclusively.

These locks cannot deadlock. A new transaction takes its lock after its entry in the table's index,
a new account before. Neither waits for another key after that. A batch takes the locks of all its
keys at once, in one order, and at its end. The batch is inserted after its items
(`transactions.ledger.booking.inserting`), so that nobody waits until thousands of items are booked.

A group of transactions (`transactions.ledger.groups`) has several keys, in any order. It may wait
in a circle, and gives up after the short time-out of its waits.

SQLite has one writer at a time, and needs no locks.
"""

from accounts.guards import ACCOUNTS
from core.database_objects import DatabaseObject

JOURNAL = "transactions_transaction"
BATCHES = "transactions_batch"
# The tables with keys, and the column with the keys' caller.
_CALLER = {JOURNAL: "idempotency_caller", ACCOUNTS: "idempotency_caller", BATCHES: "caller"}

# The class of the advisory locks. Any constant will do. Keys share its 64 locks: a long list must
# not fill the server's lock table.
_KEY_LOCKS = 7_064_007
_LOCK_OF = "hashtext({caller} || ' ' || {key}) & 63"

_MESSAGE = "this idempotency key belongs to another request"
_REFUSE = f"RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'unique_violation';"


def _key_is_free(name: str, table: str, moment: str, function_body: str) -> DatabaseObject:
    """Runs the function for each new row with a key, and for each batch, whose items may have keys.

    Raises a unique violation.
    """
    has_key = "NEW.idempotency_key IS NOT NULL"
    when = "" if table == BATCHES else f" WHEN ({has_key})"
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=table,
        sqlite=(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW\n"
            f"WHEN {has_key} AND ({_is_taken(table)})\n"
            f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        ),
        postgresql=(
            f"CREATE TRIGGER {name} {moment} INSERT ON {table} FOR EACH ROW{when}"
            f" EXECUTE FUNCTION {name}()"
        ),
        function_body=function_body,
    )


def _is_taken(table: str) -> str:
    """A condition: another table has the key of the new row of this table."""
    caller = f"NEW.{_CALLER[table]}"
    others = [other for other in _CALLER if other != table]
    return " OR ".join(_stands_in(other, caller, "= NEW.idempotency_key") for other in others)


def _stands_in(table: str, caller: str, key: str) -> str:
    return (
        f"EXISTS (SELECT 1 FROM {table} AS other WHERE other.idempotency_key {key}"
        f" AND other.{_CALLER[table]} = {caller})"
    )


def _of_transactions() -> DatabaseObject:
    lock = _LOCK_OF.format(caller="NEW.idempotency_caller", key="NEW.idempotency_key")
    return _key_is_free(
        "transactions_transaction_key_is_free",
        JOURNAL,
        "AFTER",
        f"""
BEGIN
    -- Items are looked at together, when their batch is inserted.
    IF NEW.batch_id IS NULL OR EXISTS (SELECT FROM {BATCHES} WHERE id = NEW.batch_id) THEN
        PERFORM pg_advisory_xact_lock_shared({_KEY_LOCKS}, {lock});
        IF {_is_taken(JOURNAL)} THEN
            {_REFUSE}
        END IF;
    END IF;
    RETURN NULL;
END
""",
    )


def _of_accounts() -> DatabaseObject:
    lock = _LOCK_OF.format(caller="NEW.idempotency_caller", key="NEW.idempotency_key")
    return _key_is_free(
        "accounts_account_key_is_free",
        ACCOUNTS,
        "BEFORE",
        f"""
BEGIN
    PERFORM pg_advisory_xact_lock({_KEY_LOCKS}, {lock});
    IF {_is_taken(ACCOUNTS)} THEN
        {_REFUSE}
    END IF;
    RETURN NEW;
END
""",
    )


def _of_batches() -> DatabaseObject:
    lock = _LOCK_OF.format(caller="NEW.caller", key="key")
    return _key_is_free(
        "transactions_batch_key_is_free",
        BATCHES,
        "BEFORE",
        f"""
DECLARE
    item_keys text[] := ARRAY(
        SELECT idempotency_key FROM {JOURNAL}
        WHERE batch_id = NEW.id AND idempotency_key IS NOT NULL
    );
BEGIN
    PERFORM pg_advisory_xact_lock({_KEY_LOCKS}, needed.lock) FROM (
        SELECT DISTINCT {lock} AS lock
        FROM unnest(item_keys || NEW.idempotency_key::text) AS key
        WHERE key IS NOT NULL
        ORDER BY lock
    ) AS needed;
    IF {_is_taken(BATCHES)}
        OR {_stands_in(ACCOUNTS, "NEW.caller", "= ANY (item_keys)")}
        OR {_stands_in(BATCHES, "NEW.caller", "= ANY (item_keys)")} THEN
        {_REFUSE}
    END IF;
    RETURN NEW;
END
""",
    )


KEY_GUARDS = [_of_transactions(), _of_accounts(), _of_batches()]
