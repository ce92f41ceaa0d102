"""What the bank's own rows say."""

from django.db import connection

from benchmarks.measure import Moved
from transactions.verifier import verify


def state() -> Moved:
    """Transactions stored, and the sum of all customers' balances: what was ever paid in."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM transactions_transaction),"
            " (SELECT sum(balance) FROM accounts_account)"
        )
        transactions, balances = cursor.fetchone()
    return Moved(transactions, int(balances))


def findings() -> list[str]:
    """What `verify_ledger` finds, as lines of text; empty if every rule holds."""
    return [line for finding in verify().findings for line in finding.lines()]
