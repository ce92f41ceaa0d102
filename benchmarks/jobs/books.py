"""Totals and findings from the bank's own rows."""

from django.db import connection

from benchmarks.measure import Moved
from transactions.verifier import verify


def state() -> Moved:
    """The number of transactions, and the sum of all customers' balances: the net money paid in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM transactions_transaction),"
            " (SELECT sum(balance) FROM accounts_account)"
        )
        transactions, balances = cursor.fetchone()
    return Moved(transactions, int(balances))


def findings() -> list[str]:
    """The findings of `verify_ledger`, as lines of text; empty if every rule holds."""
    return [line for finding in verify().findings for line in finding.lines()]
