"""Totals and findings from the bank's own rows."""

from dataclasses import replace

from django.db import connection

from benchmarks.jobs import proving
from benchmarks.measure import Moved, Slice, measure
from benchmarks.target import Target
from seals.sealing import seal
from seals.verifier import verify_since_seal
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


def since_seal(target: Target, seconds: float, *, transfers: int) -> Slice:
    """Verifies what came after the last seal: these transfers, between all accounts in turn.

    A seal before them covers all that the bank has, and no clock runs meanwhile.
    """
    seal()
    accounts = len(target.people.account_ids)
    proving.move(target, accounts=accounts, transfers=transfers)

    def verified(_: None) -> Moved:
        report = verify_since_seal()
        assert report.ok, report
        return Moved(1)

    measured = measure(lambda: None, verified, seconds, warms_up=False)
    return replace(measured, moved=Moved(transfers))
