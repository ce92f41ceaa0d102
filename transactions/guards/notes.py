"""Database guards on notes: they never change, and lose their text with their customer only."""

from accounts.guards import ACCOUNTS
from core.guards import changed, never_deleted, refuse, refuse_unless
from customers.guards import CUSTOMERS
from transactions.guards.keys import JOURNAL

NOTES = "transactions_note"

# What forgetting a customer empties: the text, and the digest that a guess could be compared with.
_EMPTIED = ("text", "request_fingerprint")
_KEPT = (
    "id", "account_id", "customer_id", "transaction_id", "actor_id", "caller", "idempotency_key",
    "request_id", "address", "at",
)  # fmt: skip


def about_forgotten(row: str) -> str:
    """A condition: the note `row` concerns a forgotten customer.

    It concerns the customer that it is about, that of its account, and those of both accounts of
    its transaction.
    """
    gone = f"{CUSTOMERS} AS gone ON gone.id = held.customer_id AND gone.status = 'FORGOTTEN'"
    return (
        f"(EXISTS (SELECT 1 FROM {CUSTOMERS}"
        f" WHERE id = {row}.customer_id AND status = 'FORGOTTEN')"
        f" OR EXISTS (SELECT 1 FROM {ACCOUNTS} AS held JOIN {gone}"
        f" WHERE held.id = {row}.account_id)"
        f" OR EXISTS (SELECT 1 FROM {JOURNAL} AS moved JOIN {ACCOUNTS} AS held"
        f" ON held.id IN (moved.debit_account_id, moved.credit_account_id) JOIN {gone}"
        f" WHERE moved.id = {row}.transaction_id))"
    )


_FORGOTTEN = about_forgotten("NEW")
# An import brings the notes about forgotten customers without their texts.
_TEXT_FITS = f"((NEW.text = '') = {_FORGOTTEN})"

OBJECTS = [
    *never_deleted(NOTES, "notes"),
    refuse(
        f"{NOTES}_no_update",
        NOTES,
        "UPDATE",
        "notes never change",
        when=" OR ".join([changed(_KEPT), *(f"NEW.{column} <> ''" for column in _EMPTIED)]),
    ),
    refuse_unless(
        f"{NOTES}_emptied",
        NOTES,
        _EMPTIED,
        "a note loses its text only with the data of its customer",
        when="NEW.text = ''",
        sqlite_unless=_FORGOTTEN,
        postgresql_unless=_FORGOTTEN,
    ),
    refuse_unless(
        f"{NOTES}_written",
        NOTES,
        (),
        "a note has a text, and nothing is noted about a forgotten customer",
        when="NEW.id IS NOT NULL",
        sqlite_unless=_TEXT_FITS,
        postgresql_unless=_TEXT_FITS,
        event="INSERT",
    ),
]
