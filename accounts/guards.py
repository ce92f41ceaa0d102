"""Guards in the database on accounts and their events. They hold on every path."""

from core.guards import append_only, changed, never_deleted, refuse, refuse_unless

ACCOUNTS = "accounts_account"
EVENTS = "accounts_accountevent"
LIMIT_REQUESTS = "accounts_limitrequest"

# Whether the newest close or reopen event is a reopening, so that the account may become active.
_REOPENED = (
    "coalesce((SELECT e.event = 'REOPENED' FROM accounts_accountevent e"
    " WHERE e.account_id = NEW.id AND e.event IN ('CLOSED', 'REOPENED')"
    " ORDER BY e.id DESC LIMIT 1), 1 = 0)"
)
# The limit of the newest change, in units. The event stores the limit in main units, as text.
_LIMIT = (
    "SELECT {units} FROM accounts_accountevent e"
    " WHERE e.account_id = NEW.id AND e.event = 'OVERDRAFT_LIMIT_CHANGED'"
    " ORDER BY e.id DESC LIMIT 1"
)
_LIMIT_SQLITE = _LIMIT.format(
    # At most 10^15 units: exact as a float.
    units="CAST(round(json_extract(e.after, '$.overdraft_limit') * 10000.0) AS INTEGER)"
)
_LIMIT_POSTGRESQL = _LIMIT.format(units="(e.after ->> 'overdraft_limit')::numeric * 10000")

_OWNER_IS_USER = (
    "NEW.kind = 'CUSTOMER' AND EXISTS (SELECT 1 FROM customers_customer c"
    " WHERE c.id = NEW.customer_id AND c.user_id {is_same} NEW.owner_id)"
)

_IDENTITY = ["id", "number", "kind", "code", "currency", "idempotency_caller", "idempotency_key"]
# Forgetting a customer empties the digest of what was sent: it could be compared with a guess.
_EMPTIED = (
    f"(NEW.request_fingerprint = '' AND NOT ({changed([*_IDENTITY, 'created_at'])}) AND EXISTS ("
    "SELECT 1 FROM customers_customer c WHERE c.id = NEW.customer_id AND c.status = 'FORGOTTEN'))"
)

GUARDS = [
    *never_deleted(ACCOUNTS, "accounts"),
    refuse_unless(
        "accounts_account_identity",
        ACCOUNTS,
        [],  # No columns, as in 1.0.0: otherwise the trigger itself would be replaced.
        "an account keeps its number, kind, code and currency",
        when=changed([*_IDENTITY, "request_fingerprint", "created_at"]),
        sqlite_unless=_EMPTIED.replace("IS DISTINCT FROM", "IS NOT"),
        postgresql_unless=_EMPTIED,
        since=2,
        replaces="5fb6d4523876dfbe13932c72d1ba6a7cd87d1ebf55693b53a6025816354d8d21",
    ),
    # An account inserted with a balance would create money. NULL passes: it is an internal account.
    refuse(
        "accounts_account_birth",
        ACCOUNTS,
        "INSERT",
        "an account is born empty",
        when="NEW.balance <> 0 OR NEW.last_sequence <> 0",
    ),
    # Backs transactions.ledger.writer: a balance changes only with its gapless count of entries.
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
    # Only a command may reopen an account. The command writes the event first.
    refuse_unless(
        "accounts_account_closed",
        ACCOUNTS,
        [],  # No columns, as in 1.0.0: otherwise the trigger itself would be replaced.
        "a closed account stays closed, unless an event reopens it",
        when="OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED'",
        sqlite_unless=_REOPENED,
        postgresql_unless=_REOPENED,
        since=2,
        replaces="77e7a6313506b97bb054021bcc1bc799cbef07323783b60be0d236a019d15743",
    ),
    refuse(
        "accounts_account_owner",
        ACCOUNTS,
        "UPDATE",
        "an account keeps its owner",
        # A customer who gets a user later becomes the owner of their accounts.
        when="("
        + changed(["owner_id"])
        + ") AND (OLD.owner_id IS NOT NULL OR NEW.customer_id IS NULL)",
    ),
    refuse(
        "accounts_account_keeps_customer",
        ACCOUNTS,
        "UPDATE",
        "an account keeps its customer",
        when="OLD.customer_id IS NOT NULL AND (" + changed(["customer_id"]) + ")",
    ),
    # The owner decides what a user may see, and must be the user of the customer.
    *(
        refuse_unless(
            f"accounts_account_customer_{event.lower()}",
            ACCOUNTS,
            columns,
            "the owner of an account is the user of its customer",
            when="NEW.customer_id IS NOT NULL",
            sqlite_unless=f"({_OWNER_IS_USER.format(is_same='IS')})",
            postgresql_unless=f"({_OWNER_IS_USER.format(is_same='IS NOT DISTINCT FROM')})",
            event=event,
        )
        for event, columns in (("INSERT", []), ("UPDATE", ["customer_id", "owner_id"]))
    ),
    # Nobody sets a limit without an event. PostgreSQL checks at the end of the database
    # transaction, because the previous release writes the event after the limit.
    refuse_unless(
        "accounts_account_limit",
        ACCOUNTS,
        ["overdraft_limit"],
        "an overdraft limit changes only with its event",
        when=changed(["overdraft_limit"]),
        sqlite_unless=f"coalesce(NEW.overdraft_limit = ({_LIMIT_SQLITE}), 0)",
        postgresql_unless=(
            "coalesce((SELECT overdraft_limit FROM accounts_account WHERE id = NEW.id)"
            f" = ({_LIMIT_POSTGRESQL}), false)"
        ),
        deferred=True,
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
    refuse(
        "accounts_limitrequest_keeps_limits",
        LIMIT_REQUESTS,
        "UPDATE",
        "a limit request keeps what was asked for",
        when="CAST(OLD.limits AS text) IS DISTINCT FROM CAST(NEW.limits AS text)",
    ),
]
