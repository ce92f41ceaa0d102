"""Database guards on holds, and on what an account holds.

`held` of an account is the sum of what its open holds still reserve. It never exceeds what the
account has: so code that knows no holds cannot spend what is reserved. Its write is refused.
"""

from accounts.guards import ACCOUNTS
from core.guards import append_only, changed, never_deleted, refuse, refuse_unless

HOLDS = "transactions_hold"
CAPTURES = "transactions_holdcapture"
HOLD_EVENTS = "transactions_holdevent"
HOLD_ITEMS = "transactions_holditem"

_IDENTITY = (
    "id", "account_id", "target_account_id", "amount", "currency", "description", "expires_at",
    "created_by_id", "caller", "idempotency_key", "request_fingerprint", "request_id", "address",
    "created_at",
)  # fmt: skip

SUM_OF_OPEN = (
    f"(SELECT coalesce(sum(h.amount - h.captured), 0) FROM {HOLDS} AS h"
    " WHERE h.account_id = {account} AND h.status = 'OPEN')"
)
_SUM = SUM_OF_OPEN.format(account="NEW.id")

_IN_CURRENCY = (
    f"EXISTS (SELECT 1 FROM {ACCOUNTS} AS a WHERE a.id = {{account}} AND a.kind = 'CUSTOMER'"
    " AND a.currency = NEW.currency)"
)
_OF_CUSTOMERS = (
    f"({_IN_CURRENCY.format(account='NEW.account_id')} AND (NEW.target_account_id IS NULL OR"
    f" {_IN_CURRENCY.format(account='NEW.target_account_id')}))"
)

OBJECTS = [
    *never_deleted(HOLDS, "holds"),
    refuse(
        "transactions_hold_birth",
        HOLDS,
        "INSERT",
        "a hold begins open, with nothing captured",
        when="NEW.status <> 'OPEN' OR NEW.captured <> 0",
    ),
    refuse_unless(
        "transactions_hold_accounts",
        HOLDS,
        [],
        "a hold is between accounts of customers, in their currency",
        when="NEW.amount <> 0",
        sqlite_unless=_OF_CUSTOMERS,
        postgresql_unless=_OF_CUSTOMERS,
        event="INSERT",
    ),
    refuse(
        "transactions_hold_identity",
        HOLDS,
        "UPDATE",
        "a hold keeps its accounts, amount, expiry and creator",
        when=changed(_IDENTITY),
    ),
    refuse(
        "transactions_hold_final",
        HOLDS,
        "UPDATE",
        "an ended hold never changes, and an open one captures more only",
        when="OLD.status <> 'OPEN' OR NEW.captured < OLD.captured",
    ),
    *append_only(CAPTURES, "captures of holds"),
    *append_only(HOLD_EVENTS, "events of holds"),
    *append_only(HOLD_ITEMS, "items of batches about holds"),
    refuse(
        "accounts_account_born_unheld",
        ACCOUNTS,
        "INSERT",
        "an account begins without holds",
        when="NEW.held <> 0",
    ),
    refuse(
        "accounts_account_holds_covered",
        ACCOUNTS,
        "UPDATE",
        "an open account has what its holds reserve",
        when=(
            "NEW.held <> 0 AND (NEW.held < 0 OR NEW.status <> 'ACTIVE'"
            " OR NEW.balance + NEW.overdraft_limit < NEW.held)"
        ),
    ),
    # PostgreSQL checks at the end of the database transaction, SQLite at once: write holds first.
    refuse_unless(
        "accounts_account_held_is_sum",
        ACCOUNTS,
        ["held"],
        "what an account holds is the sum of its open holds",
        when=changed(["held"]),
        sqlite_unless=f"(NEW.held = {_SUM})",
        postgresql_unless=(f"((SELECT held FROM {ACCOUNTS} WHERE id = NEW.id) = {_SUM})"),
        deferred=True,
    ),
]
