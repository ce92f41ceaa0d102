"""Database guards of statements: once issued they stay, and each continues the one before it."""

from core.guards import append_only, refuse_unless

STATEMENTS = "statements_statement"

_CONTINUES = (
    f"(EXISTS (SELECT 1 FROM {STATEMENTS} AS s WHERE s.id = NEW.previous_id"
    " AND s.account_id = NEW.account_id AND s.currency = NEW.currency"
    " AND s.number = NEW.number - 1 AND s.last_sequence = NEW.first_sequence - 1"
    " AND s.closing_balance = NEW.opening_balance AND s.ends_at = NEW.starts_at))"
)

GUARDS = [
    *append_only(STATEMENTS, "statements"),
    # A first statement has no statement before it: a CHECK says where it begins. PostgreSQL checks
    # at the end of the database transaction, because an import inserts rows in any order.
    refuse_unless(
        "statements_statement_continues",
        STATEMENTS,
        [],
        "a statement continues the one before it",
        when="NEW.number > 1",
        sqlite_unless=_CONTINUES,
        postgresql_unless=_CONTINUES,
        event="INSERT",
        deferred=True,
    ),
]
