"""The file of statements, column by column. Exports of release 1.0.0 do not have it."""

from transactions.files.cells import AMOUNT, ID, INTEGER, TEXT, TIME, TOTAL, USER, WORD
from transactions.files.file_format import Column, FileFormat
from transactions.files.parts import EVENT_CALLER

STATEMENTS = FileFormat(
    name="statements",
    doc="Every statement that was issued, without its entries: these are in the transactions.",
    table="statements_statement",
    users=(("issuer", "t.issued_by_id"),),
    caller="t.caller",
    summed="closing_balance",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("account_id", ID, "The account."),
        Column("number", INTEGER, "1..n in each account, without a gap."),
        Column("period", WORD, "The month, as `2026-10`."),
        Column("starts_at", TIME, "When the period begins."),
        Column("ends_at", TIME, "The moment before which the period ends."),
        Column("time_zone", TEXT, "The time zone that the month follows."),
        Column("currency", WORD, "ISO 4217 code of the account."),
        Column("first_sequence", INTEGER, "Sequence of the first entry, also if there is none."),
        Column("last_sequence", INTEGER, "Sequence of the last entry; without entries one less."),
        Column("count", INTEGER, "Number of entries."),
        Column("opening_balance", AMOUNT, "Balance before the first entry."),
        Column("closing_balance", AMOUNT, "Balance after the last entry."),
        Column("total_debits", TOTAL, "Sum of the debits."),
        Column("total_credits", TOTAL, "Sum of the credits."),
        Column(
            "previous_id", ID, "The statement before it; empty for the first.", is_nullable=True
        ),
        Column("secret", WORD, "Random, and part of the digest: 64 hexadecimal digits."),
        Column("digest", WORD, "SHA-256 of its content, in hexadecimal."),
        Column(
            "seal_number",
            INTEGER,
            "The newest seal at the issue; empty without one.",
            is_nullable=True,
        ),
        Column("seal_digest", WORD, "Its digest; empty without one."),
        Column("issued_at", TIME, "When it was issued."),
        Column(
            "issued_by",
            USER,
            "User who asked for it; empty for a job.",
            value="issuer.username",
            is_nullable=True,
        ),
        EVENT_CALLER,
    ),
)
