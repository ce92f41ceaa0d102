"""A small bank with entries in two months, and its statements counted plainly from the entries."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import time_machine
from django.utils import timezone

from accounts.models import Account
from core.commands import Origin
from core.identifiers import uuid7
from seals.models import Seal
from statements.models import Statement
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Entry

ORIGIN = Origin(caller="job:tests")
# The first moments of months, and the last one of October.
SEPTEMBER = datetime(2025, 9, 1, tzinfo=UTC)
OCTOBER = datetime(2025, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2025, 11, 1, tzinfo=UTC)
DECEMBER = datetime(2025, 12, 1, tzinfo=UTC)
LAST_OF_OCTOBER = datetime(2025, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)


@dataclass(frozen=True)
class MonthlyBank:
    """Ada and Bob, opened in September, and Cid, opened in October and never used.

    Ada: 100.00 in September; 30.50 to Bob, and 2.00 at the last moment of October.
    Bob: that, and 7.00 at the first moment of November.
    """

    ada: Account
    bob: Account
    cid: Account


def at(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


def make_monthly_bank() -> MonthlyBank:
    with at(SEPTEMBER.replace(day=10)):
        ada, bob = make_account(name="Ada"), make_account(name="Bob")
        run(Deposit(account_id=ada.id, amount=Decimal(100), description='Salary, "€"\nSeptember'))
    with at(OCTOBER.replace(day=5)):
        cid = make_account(name="Cid")
        run(Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal("30.50")))
    with at(LAST_OF_OCTOBER):
        run(Withdraw(account_id=ada.id, amount=Decimal(2)))
    with at(NOVEMBER):
        run(Deposit(account_id=bob.id, amount=Decimal(7)))
    return MonthlyBank(ada, bob, cid)


def record_seal(number: int, sealed_at: datetime) -> None:
    """A seal of nothing, whose digest is its number."""
    Seal.objects.create(
        id=uuid7(sealed_at), number=number, sealed_at=sealed_at, digest=f"{number:064}",
        previous="0" if number > 1 else "", ranges=1, entries=1, total_entries=1, root="0",
        signature="0",
    )  # fmt: skip


def figures(account: Account) -> list[tuple[Any, ...]]:
    """Period, range, balances, sums and count of each statement of the account."""
    return [
        (
            one.period, one.first_sequence, one.last_sequence, one.opening_balance,
            one.total_debits, one.total_credits, one.closing_balance, one.count,
        )
        for one in account.statements.order_by("number")
    ]  # fmt: skip


def require_joined() -> None:
    """Asserts that the statements of each account are what its entries say, and join."""
    for account in Account.objects.filter(kind="CUSTOMER"):
        sequence, balance, ends_at = 0, Decimal(0), None
        for number, one in enumerate(account.statements.order_by("number"), start=1):
            entries = list(
                Entry.objects.filter(
                    account=account, sequence__gt=sequence, posted_at__lt=one.ends_at
                ).order_by("sequence")
            )
            assert one.number == number
            assert ends_at in (None, one.starts_at)
            assert one.ends_at <= timezone.now()
            assert (one.first_sequence, one.opening_balance) == (sequence + 1, balance)
            assert all(entry.posted_at >= one.starts_at for entry in entries)
            changes = [entry.amount for entry in entries]
            assert one.total_credits == sum(change for change in changes if change > 0)
            assert one.total_debits == -sum(change for change in changes if change < 0)
            sequence, balance, ends_at = (
                sequence + len(entries),
                balance + sum(changes),
                one.ends_at,
            )
            assert (one.last_sequence, one.closing_balance) == (sequence, balance)
            assert one.count == len(entries)


def all_digests() -> dict[tuple[str, int], str]:
    rows = Statement.objects.values_list("account__number", "number", "digest")
    return {(account, number): digest for account, number, digest in rows}
