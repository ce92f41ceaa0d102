"""M1: each transaction by itself and with its two accounts. L1, as far as its row shows it."""

from datetime import UTC, datetime

from core.money import MAX_BALANCE_UNITS
from transactions.states import INITIAL, TransactionStatus, TransactionType
from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sides import rules_of_side
from transactions.verifier.sql import EVENTS, JOURNAL, POSTED, quoted

_SOURCE = f"""
    {JOURNAL} AS t
    LEFT JOIN accounts_account AS debited ON debited.id = t.debit_account_id
    LEFT JOIN accounts_account AS credited ON credited.id = t.credit_account_id
    LEFT JOIN {JOURNAL} AS original ON original.id = t.reverses_id
    LEFT JOIN (
        SELECT reverses_id, count(*) AS times FROM {JOURNAL}
        WHERE reverses_id IS NOT NULL AND status <> 'FAILED' GROUP BY reverses_id
    ) AS reversals ON reversals.reverses_id = t.reverses_id"""

_WHERE = {"transaction_id": "t.id"}


def _kind(account: str) -> str:
    """CUSTOMER, or an internal account's code."""
    return f"CASE {account}.kind WHEN 'INTERNAL' THEN {account}.code ELSE {account}.kind END"


_KINDS = f"({_kind('debited')} || ' to ' || {_kind('credited')})"
_KINDS_OF_TYPE = (
    f"CASE t.type WHEN '{TransactionType.DEPOSIT}' THEN 'CASH to CUSTOMER'"
    f" WHEN '{TransactionType.WITHDRAW}' THEN 'CUSTOMER to CASH'"
    f" WHEN '{TransactionType.TRANSFER}' THEN 'CUSTOMER to CUSTOMER' END"
)
_IS_REVERSAL = f"t.type = '{TransactionType.REVERSAL}'"

_OF_MONEY = [
    Rule(
        code="M1.amount_not_positive",
        says="An amount is a whole number of units above zero, within the range of balances.",
        # If SQLite has turned a whole number into a float, its text shows it.
        broken="t.amount <= 0 OR t.amount > "
        f"{MAX_BALANCE_UNITS} OR CAST(CAST(t.amount AS bigint) AS text) <> CAST(t.amount AS text)",
        where=_WHERE,
        expected="'a positive amount'",
        found="t.amount",
        in_units=True,
    ),
    Rule(
        code="M1.same_account",
        says="A transaction debits one account and credits another.",
        broken="t.debit_account_id = t.credit_account_id",
        where=_WHERE | {"account_number": "debited.number", "account_id": "t.debit_account_id"},
        expected="'another account'",
        found="t.credit_account_id",
    ),
    Rule(
        code="M1.wrong_kind_of_account",
        says="A deposit debits cash, a withdrawal credits cash, a transfer has two customers.",
        broken=f"{_KINDS} <> ({_KINDS_OF_TYPE})",
        where=_WHERE,
        expected=_KINDS_OF_TYPE,
        found=_KINDS,
    ),
    Rule(
        code="M1.completion_time",
        says="A completed transaction, and no other, has a time of completion.",
        broken=f"({POSTED}) <> (t.completed_at IS NOT NULL)",
        where=_WHERE,
        expected=f"CASE WHEN {POSTED} THEN 'a time' ELSE 'none' END",
        found="t.completed_at",
    ),
    Rule(
        code="M1.reversal_without_original",
        says="A reversal, and nothing else, names a completed transaction that is no reversal.",
        broken=f"({_IS_REVERSAL} AND (original.id IS NULL OR original.status <> 'COMPLETED'"
        f" OR original.type = '{TransactionType.REVERSAL}'))"
        f" OR (NOT {_IS_REVERSAL} AND t.reverses_id IS NOT NULL)",
        where=_WHERE | {"original_id": "t.reverses_id"},
        expected=f"CASE WHEN {_IS_REVERSAL} THEN 'a completed original' ELSE 'none' END",
        found="coalesce(original.status || ' ' || original.type, 'none')",
    ),
    Rule(
        code="M1.reversal_amount",
        says="A reversal has the amount of its original.",
        broken=f"{_IS_REVERSAL} AND t.amount <> original.amount",
        where=_WHERE | {"original_id": "t.reverses_id"},
        expected="original.amount",
        found="t.amount",
        in_units=True,
    ),
    Rule(
        code="M1.reversed_twice",
        says="A transaction is reversed once at most.",
        broken="reversals.times > 1",
        where=_WHERE | {"original_id": "t.reverses_id"},
        expected="1",
        found="reversals.times",
    ),
]

_OF_STATES = [
    Rule(
        code="L1.unknown_status",
        says="A transaction has one of the four states.",
        broken=f"t.status NOT IN ({quoted(TransactionStatus)})",
        where=_WHERE,
        expected="'a state of the table'",
        found="t.status",
    ),
    Rule(
        code="L1.state_without_events",
        says="A transaction without events is in an initial state.",
        broken=f"t.status NOT IN ({quoted(INITIAL)})"
        f" AND NOT EXISTS (SELECT 1 FROM {EVENTS} AS e WHERE e.transaction_id = t.id)",
        where=_WHERE,
        expected=f"'{', '.join(sorted(INITIAL))}'",
        found="t.status",
    ),
    Rule(
        code="L1.failure_fields",
        says="A failed transaction, and no other, has a failure code.",
        broken="(t.status = 'FAILED') <> (t.failure_code <> '')"
        " OR (t.status <> 'FAILED' AND t.failure_detail <> '')",
        where=_WHERE,
        expected="CASE t.status WHEN 'FAILED' THEN 'a failure code' ELSE 'no failure' END",
        found="coalesce(nullif(t.failure_code, ''), nullif(t.failure_detail, ''), 'none')",
    ),
]


def rules_at(now: datetime) -> Pass:
    """The pass over the journal. `now` is a moment of the bank's clock at the time of reading."""
    return Pass(
        _SOURCE,
        [
            *rules_of_side("debit", "debited", "credit"),
            *rules_of_side("credit", "credited", "debit"),
            *_OF_MONEY,
            _not_after(now),
            *_OF_STATES,
        ],
    )


def _not_after(now: datetime) -> Rule:
    # Both databases compare this text correctly with the stored values.
    moment = f"'{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f+00:00}'"
    return Rule(
        code="M1.posted_in_the_future",
        says="Nothing is posted at a later moment than the bank's clock shows.",
        broken=f"t.completed_at > {moment}",
        where=_WHERE,
        expected=f"'until ' || {moment}",
        found="t.completed_at",
    )
