"""The files about customers, column by column. Exports of release 1.0.0 do not have them."""

from transactions.files.cells import AMOUNT, CALLER, DAY, ID, INTEGER, NAMES, TEXT, TIME, USER, WORD
from transactions.files.file_format import Column, FileFormat
from transactions.files.parts import (
    ACTOR,
    EVENT_CALLER,
    EVENT_END,
    FINGERPRINT_DOC,
    KEY_CALLER_DOC,
    KEY_DOC,
    caller,
)

CUSTOMERS = FileFormat(
    name="customers",
    doc="Every customer, with their personal data.",
    table="customers_customer",
    users=(("login", "t.user_id"),),
    caller="t.idempotency_caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("number", TEXT, "Customer number, with two check digits."),
        Column("kind", WORD, "`PERSON` or `ORGANISATION`."),
        Column("name", TEXT, "Full name."),
        Column("birth_date", DAY, "Of a person; empty if unknown.", is_nullable=True),
        Column("registration_number", TEXT, "Of an organisation, in its register."),
        Column("email", TEXT, "E-mail address; empty if unknown."),
        Column("phone", TEXT, "Phone number; empty if unknown."),
        Column("address", TEXT, "Postal address; empty if unknown."),
        Column("note", TEXT, "Note of staff."),
        Column(
            "login",
            USER,
            "User name of the customer's login; empty if none.",
            value="login.username",
            is_nullable=True,
            stored="user_id",
        ),
        Column("status", WORD, "`ACTIVE`, `CLOSED` or `FORGOTTEN`."),
        Column(
            "idempotency_caller",
            CALLER,
            KEY_CALLER_DOC,
            value=caller("idempotency_caller"),
            is_nullable=True,
        ),
        Column("idempotency_key", TEXT, KEY_DOC, is_nullable=True),
        Column("request_fingerprint", WORD, FINGERPRINT_DOC),
        Column("created_at", TIME, "Time of the registration."),
        Column("updated_at", TIME, "Time of the last change."),
    ),
)

# In a file of its own, so that `accounts.csv` is the same in every release.
ACCOUNT_CUSTOMERS = FileFormat(
    name="account_customers",
    doc="The customer of each account that has one.",
    table="accounts_account",
    condition="t.customer_id IS NOT NULL",
    columns=(
        Column("id", ID, "The account."),
        Column("customer_id", ID, "Its customer."),
    ),
)

ACCOUNT_LIMITS = FileFormat(
    name="account_limits",
    doc="The limits of payments of each account that has any.",
    table="accounts_account",
    condition="(t.max_amount IS NOT NULL OR t.daily_amount IS NOT NULL"
    " OR t.daily_count IS NOT NULL)",
    columns=(
        Column("id", ID, "The account."),
        Column("currency", WORD, "ISO 4217 code of the account."),
        Column("max_amount", AMOUNT, "The most of one payment; empty if any.", is_nullable=True),
        Column(
            "daily_amount", AMOUNT, "The most of a day's payments; empty if any.", is_nullable=True
        ),
        Column("daily_count", INTEGER, "The most payments a day; empty if any.", is_nullable=True),
    ),
)

CUSTOMER_EVENTS = FileFormat(
    name="customer_events",
    doc="Actions on customers: the audit log.",
    table="customers_customerevent",
    users=(("actor", "t.actor_id"),),
    caller="t.caller",
    columns=(
        Column("id", ID, "Identifier (UUIDv7)."),
        Column("customer_id", ID, "The customer."),
        Column("event", WORD, "The action: `REGISTERED`, `CHANGED`..."),
        ACTOR,
        EVENT_CALLER,
        Column("reason", TEXT, "Reason, in words."),
        Column("changed", NAMES, "Names of the details that changed."),
        *EVENT_END,
    ),
)

CUSTOMER_FILES = (CUSTOMERS, ACCOUNT_CUSTOMERS, CUSTOMER_EVENTS)
