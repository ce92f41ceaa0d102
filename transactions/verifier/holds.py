"""H1: holds reserve what their accounts say, and their captures add up."""

from accounts.guards import ACCOUNTS
from transactions.guards.holds import CAPTURES, HOLD_EVENTS, HOLDS, SUM_OF_OPEN
from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sql import JOURNAL

_POSTED = (
    f"(SELECT coalesce(sum(t.amount), 0) FROM {CAPTURES} AS c"
    f" JOIN {JOURNAL} AS t ON t.id = c.id"
    " WHERE c.hold_id = hold.id AND t.status = 'COMPLETED')"
)
_NUMBER = f"(SELECT number FROM {ACCOUNTS} WHERE id = hold.account_id)"
_WHERE = {"account_number": _NUMBER, "account_id": "hold.account_id", "hold_id": "hold.id"}
# Its status, and what is captured, in units.
_NEWEST_EVENT = (
    f"(SELECT e.status || ' ' || e.captured FROM {HOLD_EVENTS} AS e WHERE e.hold_id = hold.id"
    " ORDER BY e.id DESC LIMIT 1)"
)
_SUM = SUM_OF_OPEN.format(account="account.id")

PASSES = [
    Pass(
        f"{HOLDS} AS hold",
        [
            Rule(
                code="H1.captured_is_not_the_sum",
                says="What is captured of a hold is the sum of its posted captures.",
                broken=f"hold.captured <> {_POSTED}",
                where=_WHERE,
                expected=_POSTED,
                found="hold.captured",
                in_units=True,
            ),
            Rule(
                code="H1.captured_beyond_amount",
                says="Nobody captures more than a hold reserved.",
                broken="hold.captured > hold.amount",
                where=_WHERE,
                expected="hold.amount",
                found="hold.captured",
                in_units=True,
            ),
            Rule(
                code="H1.not_as_its_last_event",
                says="A hold is what its newest event says.",
                broken=f"coalesce({_NEWEST_EVENT}, '') <> hold.status || ' ' || hold.captured",
                where=_WHERE,
                expected=f"coalesce({_NEWEST_EVENT}, 'an event')",
                found="hold.status || ' ' || hold.captured",
            ),
        ],
    ),
    Pass(
        f"{ACCOUNTS} AS account",
        [
            Rule(
                code="H1.held_is_not_the_sum",
                says="What an account holds is the sum of its open holds.",
                broken=f"account.held <> {_SUM}",
                where={"account_number": "account.number", "account_id": "account.id"},
                expected=_SUM,
                found="account.held",
                in_units=True,
            ),
            Rule(
                code="H1.held_beyond_available",
                says="The holds of an account are covered by its balance and overdraft limit.",
                broken="account.held > 0 AND (account.status <> 'ACTIVE'"
                " OR account.balance + account.overdraft_limit < account.held)",
                where={"account_number": "account.number", "account_id": "account.id"},
                expected="account.balance + account.overdraft_limit",
                found="account.held",
                in_units=True,
            ),
        ],
    ),
    Pass(
        f"{CAPTURES} AS capture JOIN {HOLDS} AS hold ON hold.id = capture.hold_id"
        f" JOIN {JOURNAL} AS t ON t.id = capture.id",
        [
            Rule(
                code="H1.capture_of_another_account",
                says="A capture pays from the account of its hold to the hold's target.",
                broken="t.debit_account_id <> hold.account_id"
                " OR t.type <> CASE WHEN hold.target_account_id IS NULL THEN 'WITHDRAW'"
                " ELSE 'TRANSFER' END"
                " OR coalesce(t.credit_account_id <> hold.target_account_id, 1 = 0)",
                where=_WHERE | {"transaction_id": "t.id"},
                expected="'the accounts of the hold'",
                found="'other accounts'",
            ),
        ],
    ),
]
