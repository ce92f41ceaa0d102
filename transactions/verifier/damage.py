"""Damaged accounts: those that a verification names, whose debits are held until it is settled."""

from collections.abc import Iterator
from uuid import UUID

from django.db import DatabaseError

from accounts.commands import AccountCommand, HoldDebits, MendDamage
from accounts.models import Account
from accounts.selectors import damaged_accounts
from accounts.states import AccountKind
from core.commands import Origin
from core.errors import BankError
from core.failures import told
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.verifier.report import Report

_ORIGIN = Origin(caller="job:verify_ledger")


def record_damage(report: Report) -> Iterator[str]:
    """Holds the debits of the accounts that the report names; a sound one ends all damage.

    Gives a sentence for each account that could not be changed. Each account is a database
    transaction of its own: a damaged row may break a constraint of its table.
    """
    if report.ok:
        damaged = damaged_accounts().order_by("pk")
        reason = "A later verification found every rule kept."
        commands: list[AccountCommand] = [
            MendDamage(account_id=pk, reason=reason)
            for pk in damaged.values_list("pk", flat=True).iterator()
        ]
    else:
        commands = list(_holds(report))
    for command in commands:
        try:
            process([command], _ORIGIN)
        except (BankError, DatabaseError) as error:
            yield f"Account {command.account_id} could not be marked: {told(error)}"


def _holds(report: Report) -> Iterator[AccountCommand]:
    """A command for each customer's account with a broken rule that is not known of it yet."""
    broken = {UUID(text): set(codes) for text, codes in report.damaged.items()}
    for account_id, code in _sides_of_transactions(report):
        broken.setdefault(account_id, set()).add(code)
    customers = Account.objects.filter(kind=AccountKind.CUSTOMER, pk__in=broken).order_by("pk")
    for pk, known in customers.values_list("pk", "broken_rules"):
        if not broken[pk] <= set(known.split(", ")):
            reason = "A verification found broken rules. See its findings."
            yield HoldDebits(account_id=pk, rules=frozenset(broken[pk]), reason=reason)


def _sides_of_transactions(report: Report) -> Iterator[tuple[UUID, str]]:
    """Both accounts, with the code, of each transaction that a place names without an account."""
    named: dict[str, set[str]] = {}
    for finding in report.findings:
        for place in finding.places if finding.is_about_money else ():
            if "transaction_id" in place.where and "account_id" not in place.where:
                named.setdefault(str(place.where["transaction_id"]), set()).add(finding.code)
    rows = Transaction.objects.filter(pk__in=named).order_by()
    for pk, debited, credited in rows.values_list("pk", "debit_account_id", "credit_account_id"):
        for code in named[str(pk)]:
            yield debited, code
            yield credited, code
