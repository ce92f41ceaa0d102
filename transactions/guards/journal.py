"""Database guards of the journal, and the view of its entries."""

from collections.abc import Iterable

from accounts.guards import ACCOUNTS
from core.database_objects import DatabaseObject
from core.guards import append_only, changed, never_deleted, refuse
from transactions.guards.keys import BATCHES, JOURNAL, KEY_GUARDS
from transactions.states import INITIAL, TRANSITIONS

EVENTS = "transactions_transactionevent"
VERIFICATIONS = "transactions_verification"
ENTRIES = "transactions_entry"
QUEUE_CHANNEL = "bank_queue"

# The request of a transaction never changes; its outcome is written once.
_IDENTITY = (
    "id", "type", "debit_account_id", "credit_account_id", "amount", "currency", "description",
    "effective_at", "reverses_id", "batch_id", "batch_index", "idempotency_caller",
    "idempotency_key", "request_fingerprint", "created_by_id", "created_at",
)  # fmt: skip
_OUTCOME = (
    "status", "debit_sequence", "debit_balance_after", "credit_sequence", "credit_balance_after",
    "failure_code", "failure_detail", "retry_count", "attempts", "scheduled_for",
    "approval_required", "lease_token", "lease_expires_at", "worker", "approved_by_id",
    "updated_at", "completed_at",
)  # fmt: skip
_ORIGIN = ("request_id", "address")
_MARK = ("archived_at", "archive_run_id")


def _update_of(columns: Iterable[str]) -> str:
    """An UPDATE that assigns one of these columns. On other updates the guard compares nothing."""
    return f"UPDATE OF {', '.join(columns)}"


def _quoted(values: object) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))  # type: ignore[call-overload]


# As text, which PostgreSQL dumps as it was written. A list of varchar gains casts when it is dumped
# and restored, and the guard would then differ from the code.
_NEW_STATUS = "CAST(NEW.status AS text)"


def _forbidden_moves() -> str:
    """A condition for UPDATEs that make a step outside the table of transitions."""
    allowed = [
        f"(OLD.status = '{current}' AND {_NEW_STATUS} IN ({_quoted(targets)}))"
        for current, targets in TRANSITIONS.items()
        if targets
    ]
    return f"OLD.status <> NEW.status AND NOT ({' OR '.join(allowed)})"


def _accounts_exist() -> DatabaseObject:
    """Checks the two account columns, which have no foreign key constraint, and the currency."""
    return _refers(
        "transactions_transaction_accounts_exist",
        JOURNAL,
        "the accounts of a transaction must exist, in its currency",
        sqlite_when=(
            f"(SELECT count(*) FROM {ACCOUNTS} WHERE currency = NEW.currency"
            " AND id IN (NEW.debit_account_id, NEW.credit_account_id)) <> 2"
        ),
        offenders=f"""
        SELECT FROM inserted
        LEFT JOIN {ACCOUNTS} AS debited
            ON debited.id = debit_account_id AND debited.currency = inserted.currency
        LEFT JOIN {ACCOUNTS} AS credited
            ON credited.id = credit_account_id AND credited.currency = inserted.currency
        WHERE debited.id IS NULL OR credited.id IS NULL""",
    )


def _event_of_transaction() -> DatabaseObject:
    """Checks the transaction column of events; transactions are never deleted."""
    return _refers(
        "transactions_transactionevent_of_transaction",
        EVENTS,
        "the transaction of an event must exist",
        sqlite_when=f"NOT EXISTS (SELECT 1 FROM {JOURNAL} WHERE id = NEW.transaction_id)",
        offenders=f"""
        SELECT FROM inserted
        LEFT JOIN {JOURNAL} AS told ON told.id = transaction_id
        WHERE told.id IS NULL""",
    )


def _refers(
    name: str, table: str, message: str, *, sqlite_when: str, offenders: str
) -> DatabaseObject:
    """A foreign key that is not checked row by row. Raises a foreign key violation.

    On PostgreSQL it checks all new rows of a statement at once (COPY included): `offenders` selects
    the bad ones from `inserted`. On SQLite it checks by row: `sqlite_when` is the condition on NEW.
    """
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=table,
        sqlite=(
            f"CREATE TRIGGER {name} BEFORE INSERT ON {table} FOR EACH ROW\n"
            f"WHEN {sqlite_when}\n"
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
        ),
        postgresql=(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} REFERENCING NEW TABLE AS inserted"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        ),
        function_body=f"""
BEGIN
    IF EXISTS ({offenders}
    ) THEN
        RAISE EXCEPTION '{message}' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
""",
    )


def _entries() -> DatabaseObject:
    """The view of ledger lines: a debit row and a credit row for each posted transaction.

    The branches have no WHERE of their own, so that PostgreSQL merges the indexes of both sides in
    the order of the sequence; with one it would sort whole accounts.
    """
    side = (
        "SELECT replace(CAST(id AS text), '-', '') || '-{letter}' AS id,"
        " id AS transaction_id, {side}_account_id AS account_id, '{label}' AS side,"
        " {side}_sequence AS sequence, {sign}amount AS amount,"
        " {side}_balance_after AS balance_after, currency, completed_at AS posted_at"
        f" FROM {JOURNAL}"
    )
    debit = side.format(side="debit", letter="D", label="DEBIT", sign="-")
    credit = side.format(side="credit", letter="C", label="CREDIT", sign="")
    statement = (
        f"CREATE VIEW {ENTRIES} AS SELECT * FROM ({debit} UNION ALL {credit}) AS sides"
        " WHERE posted_at IS NOT NULL"
    )
    return DatabaseObject(
        name=ENTRIES, kind="view", table=JOURNAL, sqlite=statement, postgresql=statement
    )


def _wakes_worker() -> DatabaseObject:
    """Wakes sleeping workers by a notification in the statement that queues or schedules a row."""
    name = "transactions_transaction_wakes_worker"
    return DatabaseObject(
        name=name,
        kind="trigger",
        table=JOURNAL,
        postgresql=(
            f"CREATE TRIGGER {name} AFTER INSERT OR UPDATE ON {JOURNAL} FOR EACH ROW WHEN"
            " (NEW.status = 'PENDING' AND (NOT NEW.approval_required"
            f" OR NEW.approved_by_id IS NOT NULL)) EXECUTE FUNCTION {name}()"
        ),
        function_body=f"""
BEGIN
    PERFORM pg_notify('{QUEUE_CHANNEL}', '');
    RETURN NULL;
END
""",
    )


OBJECTS = [
    _wakes_worker(),
    _entries(),
    _accounts_exist(),
    *KEY_GUARDS,
    *append_only(BATCHES, "batches"),
    *never_deleted(JOURNAL, "transactions"),
    refuse(
        "transactions_transaction_birth",
        JOURNAL,
        "INSERT",
        "a transaction is born pending, completed or failed",
        when=f"{_NEW_STATUS} NOT IN ({_quoted(INITIAL)}) OR NEW.archived_at IS NOT NULL",
    ),
    refuse(
        "transactions_transaction_identity",
        JOURNAL,
        _update_of(_IDENTITY),
        "accounts, amount, type, key and creator of a transaction never change",
        when=changed(_IDENTITY),
    ),
    refuse(
        "transactions_transaction_origin",
        JOURNAL,
        _update_of(_ORIGIN),
        "a transaction keeps the request and the address that it was asked for from",
        when=changed(_ORIGIN),
    ),
    refuse(
        "transactions_transaction_transition",
        JOURNAL,
        _update_of(["status"]),
        "the status of a transaction moves along its table only",
        when=_forbidden_moves(),
    ),
    refuse(
        "transactions_transaction_final",
        JOURNAL,
        _update_of(_OUTCOME),
        "a completed or archived transaction never changes",
        when=(
            f"(OLD.status = 'COMPLETED' OR OLD.archived_at IS NOT NULL) AND ({changed(_OUTCOME)})"
        ),
    ),
    refuse(
        "transactions_transaction_archive_mark",
        JOURNAL,
        _update_of(_MARK),
        "the archive mark of a transaction is set once",
        when=(f"OLD.archived_at IS NOT NULL AND ({changed(_MARK)})"),
    ),
    _event_of_transaction(),
    *append_only(EVENTS, "transaction events"),
    *append_only(VERIFICATIONS, "results of verifications"),
]
