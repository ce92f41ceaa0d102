"""SQL shared by the passes. The database's own view of entries is among the things to check."""

from collections.abc import Iterable

JOURNAL = "transactions_transaction"
EVENTS = "transactions_transactionevent"

POSTED = "t.status = 'COMPLETED'"


def quoted(values: Iterable[str]) -> str:
    return ", ".join(f"'{value}'" for value in sorted(values))


def _side(side: str, sign: str) -> str:
    return (
        f"SELECT t.id, t.{side}_account_id AS account_id, t.{side}_sequence AS sequence,"
        f" {sign}t.amount AS change, t.{side}_balance_after AS balance_after,"
        f" t.completed_at AS posted_at FROM {JOURNAL} AS t WHERE {POSTED}"
    )


# Both sides of all posted transactions. `change` is signed: a credit +, a debit -.
POSTINGS = f"({_side('debit', '-')} UNION ALL {_side('credit', '')})"
