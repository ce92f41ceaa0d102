"""M2 and M4 of each account as a whole, and M3 of each currency."""

from transactions.verifier.rules import Pass, Rule
from transactions.verifier.sql import POSTINGS

_SOURCE = f"""
    accounts_account AS account
    LEFT JOIN (
        SELECT account_id, count(*) AS entries, sum(change) AS total
        FROM {POSTINGS} AS postings GROUP BY account_id
    ) AS posted ON posted.account_id = account.id"""

_WHERE = {"account_number": "account.number", "account_id": "account.id"}
_IS_CUSTOMER = "account.kind = 'CUSTOMER'"
_ENTRIES = "coalesce(entries, 0)"
_TOTAL = "coalesce(total, 0)"

PASS = Pass(
    _SOURCE,
    [
        Rule(
            code="M2.balance_is_not_the_sum",
            says="A customer's balance is the sum of the account's entries.",
            broken=f"{_IS_CUSTOMER} AND account.balance <> {_TOTAL}",
            where=_WHERE,
            expected=_TOTAL,
            found="account.balance",
            in_units=True,
        ),
        Rule(
            code="M2.last_sequence",
            says="An account's last sequence is the number of its entries.",
            broken=f"{_IS_CUSTOMER} AND account.last_sequence <> {_ENTRIES}",
            where=_WHERE,
            expected=_ENTRIES,
            found="account.last_sequence",
        ),
        Rule(
            code="M2.last_posted_at",
            says="An account's last time of posting is that of its last entry.",
            broken=f"{_ENTRIES} = 0 AND account.last_posted_at IS NOT NULL",
            where=_WHERE,
            expected="NULL",
            found="account.last_posted_at",
        ),
        Rule(
            code="M2.balance_kept",
            says="A customer's account, and no internal one, keeps a balance and a last sequence.",
            broken=f"(account.balance IS NOT NULL) <> ({_IS_CUSTOMER})"
            f" OR (account.last_sequence IS NOT NULL) <> ({_IS_CUSTOMER})",
            where=_WHERE,
            expected=f"CASE WHEN {_IS_CUSTOMER} THEN 'both' ELSE 'neither' END",
            found="CASE WHEN account.balance IS NULL AND account.last_sequence IS NULL"
            " THEN 'neither' WHEN account.balance IS NULL THEN 'a last sequence only'"
            " WHEN account.last_sequence IS NULL THEN 'a balance only' ELSE 'both' END",
        ),
        Rule(
            code="M4.overdrawn",
            says="A balance below zero is within the overdraft limit.",
            broken="account.balance < -account.overdraft_limit",
            where=_WHERE,
            expected="-account.overdraft_limit",
            found="account.balance",
            in_units=True,
        ),
        Rule(
            code="M4.closed_with_balance",
            says="A closed account is empty.",
            broken="account.status = 'CLOSED' AND account.balance <> 0",
            where=_WHERE,
            expected="0",
            found="account.balance",
            in_units=True,
        ),
    ],
)

CURRENCIES = Pass(
    f"""(
        SELECT currency, sum(units) AS total
        FROM (
            SELECT currency, balance AS units FROM accounts_account WHERE kind = 'CUSTOMER'
            UNION ALL
            SELECT account.currency, postings.change
            FROM {POSTINGS} AS postings
            JOIN accounts_account AS account
                ON account.id = postings.account_id AND account.kind = 'INTERNAL'
        ) AS balances
        GROUP BY currency
    ) AS totals""",
    [
        Rule(
            code="M3.currency_does_not_balance",
            says="All balances of a currency, internal accounts included, sum to zero.",
            broken="total <> 0",
            where={"currency": "currency"},
            expected="0",
            found="total",
            in_units=True,
        )
    ],
)
