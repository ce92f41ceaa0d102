"""The files, column by column: the one list for export, archive, import and docs/files.md.

RFC 4180 with CRLF, UTF-8, a header. Cells are quoted only where necessary. An empty cell is the
empty text or null: no column needs both. Data that can be derived (back links) or that belongs to
the running bank alone (leases, the archive mark, the address and id of a request) is left out. A
PROCESSING row is exported as such: it has posted nothing. An import gives it an expired lease, so
that the next worker returns it to the queue, as it does for a worker that died.

Users appear by name, also in callers (`user:<name>`), because their numbers differ between banks.
"""

from dataclasses import replace

from transactions.files.cells import (
    AMOUNT,
    BOOLEAN,
    CALLER,
    ID,
    INTEGER,
    JSON,
    TEXT,
    TIME,
    USER,
    WORD,
)
from transactions.files.customers import ACCOUNT_LIMITS, CUSTOMER_FILES, CUSTOMERS
from transactions.files.file_format import END_OF_LINE as END_OF_LINE  # noqa: PLC0414 - part of the format
from transactions.files.file_format import Column, FileFormat
from transactions.files.holds import HOLD_FILES
from transactions.files.notes import NOTES
from transactions.files.parts import (
    ACTOR,
    EVENT_CALLER,
    EVENT_END,
    FINGERPRINT_DOC,
    KEY_CALLER_DOC,
    KEY_DOC,
    caller,
)
from transactions.files.seals import SEALED_RANGES, SEALS
from transactions.files.statements import STATEMENTS
from transactions.states import TransactionEventType

FORMAT_VERSION = 1


ACCOUNTS = FileFormat(
    name="accounts",
    doc="Every account, internal ones included.",
    table="accounts_account",
    users=(("owner", "t.owner_id"),),
    caller="t.idempotency_caller",
    summed="balance",
    columns=(
        Column("id", ID, "Identifier: UUIDv7; UUIDv5 of code and currency if internal."),
        Column("number", TEXT, "Account number, with two check digits."),
        Column("name", TEXT, "Name of the account."),
        Column("kind", WORD, "`CUSTOMER` or `INTERNAL`."),
        Column("code", TEXT, "Purpose of an internal account (`CASH`); empty for a customer's."),
        Column(
            "owner",
            USER,
            "User name of the customer; empty if none.",
            value="owner.username",
            is_nullable=True,
        ),
        Column("currency", WORD, "ISO 4217 code; never changes."),
        Column(
            "opening_balance",
            AMOUNT,
            "Always zero: balances come from transactions only, an initial balance from a deposit."
            " Empty for an internal account.",
            value="(t.balance - t.balance)",
            is_nullable=True,
        ),
        Column(
            "balance",
            AMOUNT,
            "Balance: `opening_balance`, plus credits, less debits. Empty for an internal account,"
            " whose balance is the sum of its postings.",
            is_nullable=True,
        ),
        Column("overdraft_limit", AMOUNT, "How far below zero the balance may go."),
        Column("status", WORD, "`ACTIVE` or `CLOSED`."),
        Column("debits_blocked", BOOLEAN, "`true` if no money can leave the account."),
        Column("credits_blocked", BOOLEAN, "`true` if no money can enter the account."),
        Column(
            "last_sequence",
            INTEGER,
            "Number of entries, and the sequence of the newest. Empty for an internal account.",
            is_nullable=True,
        ),
        Column(
            "last_posted_at",
            TIME,
            "Time of the newest entry; empty if there is none.",
            is_nullable=True,
        ),
        Column("metadata", JSON, "Named texts that a client stored with the account."),
        Column(
            "idempotency_caller",
            CALLER,
            KEY_CALLER_DOC,
            value=caller("idempotency_caller"),
            is_nullable=True,
        ),
        Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
        Column("created_at", TIME, "Time of the opening."),
        Column("updated_at", TIME, "Time of the last change."),
    ),
)

_TRANSACTION_COLUMNS = (
    Column("id", ID, "Identifier (UUIDv7), in the order of creation."),
    Column("type", WORD, "`DEPOSIT`, `WITHDRAW`, `TRANSFER` or `REVERSAL`."),
    Column("status", WORD, "`PENDING`, `PROCESSING`, `COMPLETED` or `FAILED`."),
    Column("debit_account_id", ID, "The debited account; the cash account in a deposit."),
    Column("credit_account_id", ID, "The credited account; the cash account in a withdrawal."),
    Column("amount", AMOUNT, "Always above zero."),
    Column("currency", WORD, "ISO 4217 code, that of both accounts."),
    Column("description", TEXT, "Purpose, in words."),
    Column(
        "debit_sequence",
        INTEGER,
        "Sequence of the entry in the debited account; empty if nothing was posted or the account"
        " is internal.",
        is_nullable=True,
    ),
    Column(
        "debit_balance_after",
        AMOUNT,
        "Balance of the debited account after that entry; empty in the same cases.",
        is_nullable=True,
    ),
    Column("credit_sequence", INTEGER, "The same for the credited account.", is_nullable=True),
    Column("credit_balance_after", AMOUNT, "The same for the credited account.", is_nullable=True),
    Column("effective_at", TIME, "Value date."),
    Column("failure_code", TEXT, "Error code if it failed, else empty."),
    Column("failure_detail", TEXT, "The reason in words."),
    Column("retry_count", INTEGER, "Number of retries."),
    Column("attempts", INTEGER, "Number of times that a worker started it."),
    Column(
        "reverses_id",
        ID,
        "The transaction that this one reverses; empty if none.",
        is_nullable=True,
    ),
    Column("batch_id", ID, "Its batch; empty if none.", is_nullable=True),
    Column(
        "batch_index", INTEGER, "Its place in the batch, from 0; empty if none.", is_nullable=True
    ),
    Column(
        "idempotency_caller",
        CALLER,
        KEY_CALLER_DOC,
        value=caller("idempotency_caller"),
        is_nullable=True,
    ),
    Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
    Column("request_fingerprint", WORD, FINGERPRINT_DOC),
    Column(
        "scheduled_for",
        TIME,
        "Time from which it may be processed; empty for at once.",
        is_nullable=True,
    ),
    Column("approval_required", BOOLEAN, "`true` if it needs or needed a second person."),
    Column("worker", TEXT, "The worker that started it last; empty if none did."),
    Column(
        "created_by",
        USER,
        "User who requested it; empty for a job.",
        value="creator.username",
        is_nullable=True,
    ),
    Column(
        "approved_by",
        USER,
        "User who approved it; empty if nobody.",
        value="approver.username",
        is_nullable=True,
    ),
    Column("created_at", TIME, "Time of the request."),
    Column("updated_at", TIME, "Time of the last change of its status."),
    Column(
        "completed_at", TIME, "Time of the posting; empty if it was not posted.", is_nullable=True
    ),
)

_JOURNAL = "transactions_transaction"
_JOURNAL_USERS = (("creator", "t.created_by_id"), ("approver", "t.approved_by_id"))

TRANSACTIONS = FileFormat(
    name="transactions",
    doc="Every transaction that is not archived.",
    table=_JOURNAL,
    users=_JOURNAL_USERS,
    caller="t.idempotency_caller",
    condition="t.archived_at IS NULL",
    summed="amount",
    columns=_TRANSACTION_COLUMNS,
)

ARCHIVED_TRANSACTIONS = replace(
    TRANSACTIONS,
    name="archived_transactions",
    doc="Every archived transaction, its columns those of `transactions.csv`.",
    condition="t.archived_at IS NOT NULL",
)

# In a file of its own: a batch has a key and a fingerprint, and an empty or refused batch has no
# transaction whose line could hold them.
BATCHES = FileFormat(
    name="batches",
    doc="Every request that carried a list of transactions.",
    table="transactions_batch",
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column(
            "caller",
            CALLER,
            "Sender: `user:<name>` or `client:<id>`.",
            value=caller("caller"),
        ),
        Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
        Column("atomic", BOOLEAN, "`true` if the batch was all or nothing."),
        Column(
            "refused_index",
            INTEGER,
            "Index of the refused item that ended an atomic batch; empty if none.",
            is_nullable=True,
        ),
        Column("created_at", TIME, "Time of the request."),
    ),
)

ACCOUNT_EVENTS = FileFormat(
    name="account_events",
    doc="Actions on accounts: the audit log.",
    table="accounts_accountevent",
    users=(("actor", "t.actor_id"),),
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("account_id", ID, "The account."),
        Column("event", WORD, "The action: `OPENED`, `FROZEN`..."),
        ACTOR,
        EVENT_CALLER,
        Column("reason", TEXT, "Reason, in words."),
        Column("before", JSON, "Changed values, before the event. Users are numbers."),
        Column("after", JSON, "The same values, after the event."),
        *EVENT_END,
    ),
)

_EVENT_DOC = ", ".join(f"`{event}`" for event in TransactionEventType.values) + "."

TRANSACTION_EVENTS = FileFormat(
    name="transaction_events",
    doc="Events of transactions after their creation.",
    table="transactions_transactionevent",
    users=(("actor", "t.actor_id"),),
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("transaction_id", ID, "The transaction."),
        Column("event", TEXT, _EVENT_DOC),
        Column("from_status", WORD, "The status before."),
        Column("to_status", WORD, "The status after."),
        Column("attempt", INTEGER, "Number of the worker's attempt."),
        ACTOR,
        EVENT_CALLER,
        Column("reason", TEXT, "Reason, in words."),
        Column("detail", JSON, "Values that the transition overwrote or found."),
        *EVENT_END,
    ),
)

# In an order in which they can be loaded.
FILES = (
    ACCOUNTS,
    BATCHES,
    TRANSACTIONS,
    ARCHIVED_TRANSACTIONS,
    ACCOUNT_EVENTS,
    TRANSACTION_EVENTS,
    *CUSTOMER_FILES,
    SEALS,
    SEALED_RANGES,
    STATEMENTS,
    NOTES,
    *HOLD_FILES,
    ACCOUNT_LIMITS,
)
# Exports of earlier releases do not have them.
NEWER_FILES = frozenset(each.name for each in FILES[FILES.index(CUSTOMERS) :])
