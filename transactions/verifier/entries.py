"""M2: a customer's entries follow from each other, in the order of the sequence."""

from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sql import POSTINGS

# A row for each entry, with values of the previous one. An account is compared with its last entry
# only.
_SOURCE = f"""(
    SELECT id, account_id, sequence, change, balance_after, posted_at,
           lag(sequence) OVER in_order AS sequence_before,
           lag(balance_after) OVER in_order AS balance_before,
           lag(posted_at) OVER in_order AS posted_before,
           lead(sequence) OVER in_order AS sequence_next
    FROM {POSTINGS} AS postings
    WHERE sequence IS NOT NULL
    WINDOW in_order AS (PARTITION BY account_id ORDER BY sequence, id)
) AS entry
JOIN accounts_account AS account ON account.id = entry.account_id AND account.kind = 'CUSTOMER'"""

_WHERE = {
    "account_number": "account.number",
    "account_id": "account.id",
    "transaction_id": "entry.id",
    "sequence": "entry.sequence",
}
_NEXT = "coalesce(sequence_before, 0) + 1"
_BALANCE = "CASE WHEN sequence_before IS NULL THEN change ELSE balance_before + change END"

PASS = Pass(
    _SOURCE,
    [
        Rule(
            code="M2.sequence_duplicate",
            says="A sequence is given once in an account.",
            broken="sequence = sequence_before",
            where=_WHERE,
            expected=_NEXT,
            found="sequence",
        ),
        Rule(
            code="M2.sequence_gap",
            says="The sequences of an account run 1..n without a gap.",
            broken=f"sequence <> {_NEXT} AND sequence <> coalesce(sequence_before, sequence - 1)",
            where=_WHERE,
            expected=_NEXT,
            found="sequence",
        ),
        # After a gap the balance cannot be checked.
        Rule(
            code="M2.balance_does_not_follow",
            says="Each balance after is the one before it, changed by the amount.",
            broken=f"sequence = {_NEXT} AND balance_after <> ({_BALANCE})",
            where=_WHERE,
            expected=_BALANCE,
            found="balance_after",
            in_units=True,
        ),
        Rule(
            code="M2.posting_time_runs_backwards",
            says="The time of posting never runs backwards along the sequence.",
            broken="posted_at < posted_before",
            where=_WHERE,
            expected="posted_before",
            found="posted_at",
        ),
        Rule(
            code="M2.balance_is_not_the_last",
            says="A balance is the balance after the account's last entry.",
            broken="sequence_next IS NULL AND account.balance <> balance_after",
            where=_WHERE,
            expected="balance_after",
            found="account.balance",
            in_units=True,
        ),
        Rule(
            code="M2.last_posted_at",
            says="An account's last time of posting is that of its last entry.",
            broken="sequence_next IS NULL"
            " AND (account.last_posted_at IS NULL OR account.last_posted_at <> posted_at)",
            where=_WHERE,
            expected="posted_at",
            found="account.last_posted_at",
        ),
    ],
)
