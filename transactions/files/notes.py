"""The file of notes, column by column. Exports of earlier releases do not have it."""

from transactions.files.cells import ID, TEXT, WORD
from transactions.files.file_format import Column, FileFormat
from transactions.files.parts import ACTOR, EVENT_CALLER, EVENT_END, FINGERPRINT_DOC, KEY_DOC

_ONE_OF_THREE = "else empty. A note is about one thing."

NOTES = FileFormat(
    name="notes",
    doc="What staff noted about accounts, customers and transactions.",
    table="transactions_note",
    users=(("actor", "t.actor_id"),),
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column(
            "account_id", ID, f"The account, if it is about one; {_ONE_OF_THREE}", is_nullable=True
        ),
        Column("customer_id", ID, "The customer, in the same way.", is_nullable=True),
        Column("transaction_id", ID, "The transaction, in the same way.", is_nullable=True),
        Column("text", TEXT, "The text; empty once a customer whom it concerns is forgotten."),
        ACTOR,
        EVENT_CALLER,
        Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
        *EVENT_END,
    ),
)
