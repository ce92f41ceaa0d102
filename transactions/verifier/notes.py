"""N1: notes keep their texts until a customer whom they concern is forgotten, and no longer."""

from accounts.guards import ACCOUNTS
from transactions.guards.notes import NOTES, about_forgotten
from transactions.verifier.rules import Pass, Rule

PASS = Pass(
    f"{NOTES} AS note",
    [
        Rule(
            code="N1.text_of_note",
            says="A note about a forgotten customer has no text, and every other note has one.",
            broken=f"(note.text = '') <> {about_forgotten('note')}",
            where={
                "note_id": "note.id",
                "account_id": "note.account_id",
                "account_number": f"(SELECT number FROM {ACCOUNTS} WHERE id = note.account_id)",
                "customer_id": "note.customer_id",
                "transaction_id": "note.transaction_id",
            },
            # Never the text itself: findings are stored.
            expected="CASE WHEN note.text = '' THEN 'a text' ELSE 'no text' END",
            found="CASE WHEN note.text = '' THEN 'no text' ELSE 'a text' END",
        ),
    ],
)
