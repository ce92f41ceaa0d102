"""What queries read: five relations with the same names and columns on every engine.

No column has a name of a person, a description or other free text. `posting_day` and the other days
are those of the bank's time zone. An amount is an exact decimal in main units, except on SQLite,
which has none: there it is a count of 1/10,000.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

# The columns of each relation, in their order.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "customers": ("id", "number", "kind", "status", "registered_day"),
    "accounts": (
        *("id", "number", "kind", "status", "currency", "customer_id", "balance"),
        *("opened_day", "last_posting_day"),
    ),
    "transactions": (
        *("id", "type", "status", "debit_account_id", "credit_account_id", "amount", "currency"),
        *("failure_code", "is_archived", "posting_day", "posting_month", "failed_day"),
    ),
    "entries": (
        *("transaction_id", "account_id", "sequence", "amount", "balance_after", "currency"),
        *("posting_day", "posting_month"),
    ),
    "months": ("month",),
}
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+/-]+")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine writes a day and a month of a moment, and an exact amount."""

    day: Callable[[str, str], str]
    month: Callable[[str, str], str]
    amount: Callable[[str], str]
    with_as: str = "AS"


def _sqlite_day(column: str, zone: str) -> str:
    # The text of a moment begins with its day in UTC. Django gives SQLite the function.
    if zone == "UTC":
        return f"substr({column}, 1, 10)"
    return f"django_datetime_cast_date({column}, '{zone}', 'UTC')"


POSTGRESQL = Dialect(
    day=lambda column, zone: f"CAST({column} AT TIME ZONE '{zone}' AS date)",
    month=lambda column, zone: f"to_char({column} AT TIME ZONE '{zone}', 'YYYY-MM')",
    # Exact: the factor has four digits, so the product has too.
    amount=lambda column: f"CAST({column} * 0.0001 AS numeric(19, 4))",
    # A relation is part of the statement, not a table of its own.
    with_as="AS NOT MATERIALIZED",
)
# The names of the schema, the role and the relations for programs that read by themselves.
SCHEMA, ROLE = "analytics", "bank_analyst"

SQLITE = Dialect(
    day=_sqlite_day,
    month=lambda column, zone: f"substr({_sqlite_day(column, zone)}, 1, 7)",
    amount=lambda column: column,
)


def with_relations(
    sql: str, definition: Callable[[str], str], months: Sequence[str], *, with_as: str = "AS"
) -> str:
    """The statement with the relations that it names, each defined before it."""
    named = [name for name in COLUMNS if re.search(rf"\b(?:FROM|JOIN) {name}\b", sql)]
    parts = [
        f"{name} {with_as} ({_calendar(months) if name == 'months' else definition(name)})"
        for name in named
    ]
    return f"WITH {', '.join(parts)}\n{sql}"


def _calendar(months: Sequence[str]) -> str:
    return " UNION ALL ".join(f"SELECT '{month}' AS month" for month in months)


def definition_on_tables(name: str, dialect: Dialect, zone: str) -> str:
    """The SELECT that is this relation on the bank's own tables. Raises ValueError for a zone."""
    if not _ZONE_NAME.fullmatch(zone):
        raise ValueError(f"{zone!r} is no name of a time zone.")
    values, source = _SOURCES[name](dialect, zone)
    columns = ", ".join(f"{values.get(each, each)} AS {each}" for each in COLUMNS[name])
    return f"SELECT {columns} FROM {source}"  # noqa: S608 - constants


def views_sql(zone: str) -> Iterator[str]:
    """Statements that make the relations views of a schema on PostgreSQL. `zone` is in quotes."""
    for name in _SOURCES:
        select = definition_on_tables(name, POSTGRESQL, "UTC").replace("'UTC'", zone)
        yield f"DROP VIEW IF EXISTS {SCHEMA}.{name}"
        yield f"CREATE VIEW {SCHEMA}.{name} AS {select}"


def _customers(dialect: Dialect, zone: str) -> tuple[dict[str, str], str]:
    return {"registered_day": dialect.day("created_at", zone)}, "customers_customer"


def _accounts(dialect: Dialect, zone: str) -> tuple[dict[str, str], str]:
    values = {
        "balance": dialect.amount("balance"),
        "opened_day": dialect.day("created_at", zone),
        "last_posting_day": dialect.day("last_posted_at", zone),
    }
    return values, "accounts_account"


def _transactions(dialect: Dialect, zone: str) -> tuple[dict[str, str], str]:
    # A failed transaction is not written again unless somebody retries it.
    failed = f"CASE WHEN status = 'FAILED' THEN {dialect.day('updated_at', zone)} END"
    values = {
        "amount": dialect.amount("amount"),
        "is_archived": "CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END",
        "posting_day": dialect.day("completed_at", zone),
        "posting_month": dialect.month("completed_at", zone),
        "failed_day": failed,
    }
    return values, "transactions_transaction"


def _entries(dialect: Dialect, zone: str) -> tuple[dict[str, str], str]:
    values = {
        "amount": dialect.amount("amount"),
        "balance_after": dialect.amount("balance_after"),
        "posting_day": dialect.day("posted_at", zone),
        "posting_month": dialect.month("posted_at", zone),
    }
    # Not the view of entries: with a view on top of it, no migration could replace it.
    side = (
        "SELECT id AS transaction_id, {0}_account_id AS account_id, {0}_sequence AS sequence,"
        " {1}amount AS amount, {0}_balance_after AS balance_after, currency,"
        " completed_at AS posted_at FROM transactions_transaction WHERE completed_at IS NOT NULL"
    )
    sides = " UNION ALL ".join((side.format("debit", "-"), side.format("credit", "")))
    return values, f"({sides}) AS sides"


_SOURCES = {
    "customers": _customers,
    "accounts": _accounts,
    "transactions": _transactions,
    "entries": _entries,
}
