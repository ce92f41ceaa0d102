"""The columns of the lake's one table, and the SQL that reads them.

No free text is among them: a description may name people, and a file that never changes cannot
forget them.
"""

from typing import NamedTuple

TABLE = "transactions"


class LakeField(NamedTuple):
    """`kind`: id, text, sequence, amount or moment. `source` is the journal's column."""

    name: str
    kind: str
    source: str


COLUMNS = (
    LakeField("id", "id", "id"),
    LakeField("type", "text", "type"),
    LakeField("debit_account_id", "id", "debit_account_id"),
    LakeField("credit_account_id", "id", "credit_account_id"),
    LakeField("amount", "amount", "amount"),
    LakeField("currency", "text", "currency"),
    LakeField("debit_sequence", "sequence", "debit_sequence"),
    LakeField("debit_balance_after", "amount", "debit_balance_after"),
    LakeField("credit_sequence", "sequence", "credit_sequence"),
    LakeField("credit_balance_after", "amount", "credit_balance_after"),
    LakeField("reverses_id", "id", "reverses_id"),
    LakeField("batch_id", "id", "batch_id"),
    LakeField("effective_at", "moment", "effective_at"),
    LakeField("created_at", "moment", "created_at"),
    LakeField("posted_at", "moment", "completed_at"),
)
PLACES = {column.name: place for place, column in enumerate(COLUMNS)}

# A moment is read as microseconds since 1970, so that no text is parsed. SQLite has it as text, and
# an id as 32 hexadecimal digits.
_POSTGRESQL = {
    "id": "CAST({0} AS text)",
    "moment": "CAST(EXTRACT(epoch FROM {0}) * 1000000 AS bigint)",
}
_SQLITE = {
    "id": (
        "substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-' || substr({0}, 13, 4)"
        " || '-' || substr({0}, 17, 4) || '-' || substr({0}, 21)"
    ),
    "moment": (
        "CAST(strftime('%%s', substr({0}, 1, 19)) AS INTEGER) * 1000000"
        " + CAST(substr(substr({0}, 21) || '000000', 1, 6) AS INTEGER)"
    ),
}


def expression(kind: str, source: str, vendor: str) -> str:
    """SQL of a column's value, for a statement with parameters."""
    forms = _POSTGRESQL if vendor == "postgresql" else _SQLITE
    return forms.get(kind, "{0}").format(source)


def select_list(vendor: str) -> str:
    return ", ".join(
        f"{expression(column.kind, column.source, vendor)} AS {column.name}" for column in COLUMNS
    )
