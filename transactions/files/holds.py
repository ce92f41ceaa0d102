"""The files of holds, column by column. Exports of release 1.0.0 do not have them."""

from transactions.files.cells import (
    ADDRESS,
    AMOUNT,
    BOOLEAN,
    CALLER,
    ID,
    INTEGER,
    TEXT,
    TIME,
    USER,
    WORD,
)
from transactions.files.file_format import Column, FileFormat
from transactions.files.parts import (
    ACTOR,
    EVENT_CALLER,
    EVENT_END,
    FINGERPRINT_DOC,
    KEY_DOC,
    caller,
)

HOLDS = FileFormat(
    name="holds",
    doc="Every hold, open or ended. What accounts hold follows from the open ones.",
    table="transactions_hold",
    users=(("maker", "t.created_by_id"), ("ender", "t.ended_by_id")),
    caller="t.caller",
    summed="amount",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("account_id", ID, "The account whose money is reserved."),
        Column(
            "target_account_id",
            ID,
            "The account that captures credit; empty if they pay cash out.",
            is_nullable=True,
        ),
        Column("amount", AMOUNT, "What was reserved."),
        Column("captured", AMOUNT, "Sum of its posted captures."),
        Column("currency", WORD, "ISO 4217 code of the account."),
        Column("description", TEXT, "What it is for."),
        Column("status", WORD, "`OPEN`, `CAPTURED`, `VOIDED` or `EXPIRED`."),
        Column("expires_at", TIME, "From this moment on nothing can be captured."),
        Column(
            "created_by",
            USER,
            "User who placed it; empty for a job.",
            value="maker.username",
            is_nullable=True,
        ),
        EVENT_CALLER,
        Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
        Column("request_id", TEXT, "Id of the request; empty for a job."),
        Column("address", ADDRESS, "IP address of the sender; empty if unknown.", is_nullable=True),
        Column("created_at", TIME, "When it was placed."),
        Column("updated_at", TIME, "Time of the last change."),
        Column("ended_at", TIME, "When it ended; empty for an open one.", is_nullable=True),
        Column(
            "ended_by",
            USER,
            "User who captured the last of it or voided it; else empty.",
            value="ender.username",
            is_nullable=True,
        ),
        Column("end_reason", TEXT, "Why it was voided."),
    ),
)

HOLD_CAPTURES = FileFormat(
    name="hold_captures",
    doc="The transactions that capture holds, each with its hold.",
    table="transactions_holdcapture",
    columns=(
        Column("id", ID, "The transaction."),
        Column("hold_id", ID, "The hold that it captures a part of."),
        Column("final", BOOLEAN, "`true` if it released the rest of the hold."),
    ),
)

HOLD_EVENTS = FileFormat(
    name="hold_events",
    doc="What became of each hold: its part of the audit log.",
    table="transactions_holdevent",
    users=(("actor", "t.actor_id"),),
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("hold_id", ID, "The hold."),
        Column("event", WORD, "`PLACED`, `CAPTURED`, `VOIDED` or `EXPIRED`."),
        Column("status", WORD, "The hold's status after it."),
        Column("captured", AMOUNT, "Sum of the captures after it."),
        Column("currency", WORD, "ISO 4217 code of the hold."),
        Column("transaction_id", ID, "The transaction of a capture; else empty.", is_nullable=True),
        ACTOR,
        EVENT_CALLER,
        Column("reason", TEXT, "Why it was voided."),
        *EVENT_END,
    ),
)

HOLD_ITEMS = FileFormat(
    name="hold_items",
    doc="Items of batches that placed or voided a hold, and those about a hold that were refused.",
    table="transactions_holditem",
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("batch_id", ID, "The batch."),
        Column("batch_index", INTEGER, "Its place in the batch, from 0."),
        Column("action", WORD, "`HOLD`, `CAPTURE` or `VOID`."),
        Column("hold_id", ID, "The hold; empty for a `HOLD` that was refused.", is_nullable=True),
        Column("failure_code", TEXT, "Error code if it was refused, else empty."),
        Column("failure_detail", TEXT, "The reason in words."),
        Column(
            "caller",
            CALLER,
            "Owner of the key of a `VOID`; empty if there was no key.",
            value=caller("caller"),
        ),
        Column("idempotency_key", TEXT, "The key of a `VOID`; else empty.", is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
    ),
)

HOLD_FILES = (HOLDS, HOLD_CAPTURES, HOLD_EVENTS, HOLD_ITEMS)
