"""The CHECKs of the database as rules across the cells of a row, in the terms of the file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accounts.commands.change_limits import MAX_DAILY_COUNT
from core.money import MAX_AMOUNT
from transactions.models.note import SUBJECTS

Cells = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule across the cells of a row. An error names `column`."""

    column: str
    holds: Callable[[Cells], bool]
    reason: str


_NOT_NEGATIVE = "The amount must be zero or more."
_LIMIT = f"A limit is zero or more, and at most {MAX_AMOUNT:f}."


def _is_from_zero(cell: str) -> bool:
    return not cell.startswith("-")


def _is_limit(cell: str) -> bool:
    return not cell or (_is_from_zero(cell) and Decimal(cell) <= MAX_AMOUNT)


_OF_TRANSACTIONS = (
    RowRule(
        "amount",
        lambda row: row["amount"].strip("-0.") != "" and row["amount"][0] != "-",
        "An amount is above zero.",
    ),
    RowRule(
        "credit_account_id",
        lambda row: row["debit_account_id"] != row["credit_account_id"],
        "One account is debited and another credited.",
    ),
    RowRule(
        "completed_at",
        lambda row: (row["status"] == "COMPLETED") == bool(row["completed_at"]),
        "A COMPLETED transaction, and no other, has a time of completion.",
    ),
    RowRule(
        "failure_code",
        lambda row: (row["status"] == "FAILED") == bool(row["failure_code"]),
        "A FAILED transaction, and no other, has a failure code.",
    ),
    RowRule(
        "reverses_id",
        lambda row: (row["type"] == "REVERSAL") == bool(row["reverses_id"]),
        "A REVERSAL, and no other, names the reversed transaction.",
    ),
    RowRule(
        "idempotency_key",
        lambda row: bool(row["idempotency_key"]) == bool(row["idempotency_caller"]),
        "A key and its caller go together.",
    ),
)
ROW_RULES = {
    "transactions_transaction": _OF_TRANSACTIONS,
    "accounts_account": (
        RowRule(
            "opening_balance",
            lambda row: (row["kind"] == "CUSTOMER") == bool(row["opening_balance"]),
            "A customer's account, and no other, has an opening balance.",
        ),
        RowRule(
            "balance",
            lambda row: bool(row["balance"]) == bool(row["opening_balance"]),
            "A customer's account, and no other, has a balance.",
        ),
    ),
    "transactions_hold": (
        RowRule(
            "amount",
            lambda row: row["amount"].strip("-0.") != "" and row["amount"][0] != "-",
            "An amount is above zero.",
        ),
        RowRule(
            "ended_at",
            lambda row: (row["status"] == "OPEN") != bool(row["ended_at"]),
            "A hold that is not OPEN, and no other, has a time of its end.",
        ),
        RowRule(
            "expires_at",
            lambda row: row["expires_at"] > row["created_at"],
            "A hold expires after it was placed.",
        ),
    ),
    "transactions_holdevent": (
        RowRule("captured", lambda row: _is_from_zero(row["captured"]), _NOT_NEGATIVE),
    ),
    "account_limits": (
        RowRule("max_amount", lambda row: _is_limit(row["max_amount"]), _LIMIT),
        RowRule("daily_amount", lambda row: _is_limit(row["daily_amount"]), _LIMIT),
        RowRule(
            "daily_count",
            lambda row: not row["daily_count"] or 0 <= int(row["daily_count"]) <= MAX_DAILY_COUNT,
            f"A number from 0 to {MAX_DAILY_COUNT}.",
        ),
    ),
    "transactions_note": (
        RowRule(
            "account_id",
            lambda row: [row[f"{name}_id"] != "" for name in SUBJECTS].count(True) == 1,
            "A note is about one account, one customer or one transaction.",
        ),
    ),
}
