"""The database's own guards over accounts and their events, whatever way they are reached."""

from core.guards import append_only, changed, never_deleted, refuse

ACCOUNTS = "accounts_account"
EVENTS = "accounts_accountevent"
LIMIT_REQUESTS = "accounts_limitrequest"

GUARDS = [
    *never_deleted(ACCOUNTS, "accounts"),
    refuse(
        "accounts_account_identity",
        ACCOUNTS,
        "UPDATE",
        "an account keeps its number, kind, code and currency",
        when=changed(
            [
                "id",
                "number",
                "kind",
                "code",
                "currency",
                "idempotency_caller",
                "idempotency_key",
                "request_fingerprint",
                "created_at",
            ]
        ),
    ),
    # Or whoever inserts an account has made money. NULL passes: internal.
    refuse(
        "accounts_account_birth",
        ACCOUNTS,
        "INSERT",
        "an account is born empty",
        when="NEW.balance <> 0 OR NEW.last_sequence <> 0",
    ),
    # Backs transactions.ledger: a balance moves with its own gapless count of entries, or not at
    # all.
    refuse(
        "accounts_account_balance",
        ACCOUNTS,
        "UPDATE",
        "a balance changes only by posting a transaction",
        when=(
            "(OLD.balance IS DISTINCT FROM NEW.balance AND NEW.last_sequence <= OLD.last_sequence)"
            " OR NEW.last_sequence < OLD.last_sequence"
        ),
    ),
    # Backs accounts.states: CLOSED is final.
    refuse(
        "accounts_account_closed",
        ACCOUNTS,
        "UPDATE",
        "a closed account stays closed",
        when="OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED'",
    ),
    *append_only(EVENTS, "account events"),
    *never_deleted(LIMIT_REQUESTS, "limit requests"),
    refuse(
        "accounts_limitrequest_birth",
        LIMIT_REQUESTS,
        "INSERT",
        "a limit request begins as PENDING",
        when="NEW.status <> 'PENDING'",
    ),
    refuse(
        "accounts_limitrequest_decided",
        LIMIT_REQUESTS,
        "UPDATE",
        "a limit request is decided once, and keeps what was asked for",
        when="OLD.status <> 'PENDING' OR "
        + changed(
            [
                "id",
                "account_id",
                "overdraft_limit",
                "limit_before",
                "reason",
                "requested_by_id",
                "created_at",
            ]
        ),
    ),
]
