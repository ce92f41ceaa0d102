"""Totals of the bank's accounts, by currency and status, in one read."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import BooleanField, Count, ExpressionWrapper, Q, Sum

from accounts.models import Account
from accounts.states import AccountKind, AccountStatus, ShownStatus


@dataclass(frozen=True, slots=True)
class Holding:
    """Totals of the customers' accounts with one currency and one status.

    In main units: `owed` is the sum of balances above zero, which the bank owes to customers;
    `lent` is the sum of overdrafts, which customers owe to the bank.
    """

    currency: str
    status: ShownStatus
    accounts: int
    owed: Decimal
    lent: Decimal


def holdings() -> list[Holding]:
    """Reads each customer's account once, in one statement, so all sums are consistent."""
    is_blocked = ExpressionWrapper(
        Q(debits_blocked=True) | Q(credits_blocked=True), output_field=BooleanField()
    )
    groups = (
        Account.objects.filter(kind=AccountKind.CUSTOMER)
        .order_by("currency", "status")
        .values("currency", "status", is_blocked=is_blocked)
        .annotate(
            accounts=Count("pk"),
            owed=Sum("balance", filter=Q(balance__gt=0)),
            lent=Sum("balance", filter=Q(balance__lt=0)),
        )
    )
    return [
        Holding(
            currency=group["currency"],
            status=_shown(group["status"], group["is_blocked"]),
            accounts=group["accounts"],
            owed=group["owed"] or Decimal(0),
            lent=-(group["lent"] or Decimal(0)),
        )
        for group in groups
    ]


def _shown(status: str, is_blocked: bool) -> ShownStatus:
    if status == AccountStatus.CLOSED:
        return ShownStatus.CLOSED
    return ShownStatus.FROZEN if is_blocked else ShownStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """Both sides of the books in one currency, in main units: `cash` is `owed` less `lent`.

    Double entry makes both sides equal. The postings of the cash account have the same sum, but
    there are as many as deposits and withdrawals. `verify_ledger` reads them, and proves that both
    sums agree.
    """

    currency: str
    owed: Decimal
    lent: Decimal

    @property
    def cash(self) -> Decimal:
        return self.owed - self.lent


def totals_by_currency(found: Iterable[Holding]) -> list[CurrencyTotal]:
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for holding in found:
        owed, lent = sums.get(holding.currency, (Decimal(0), Decimal(0)))
        sums[holding.currency] = (owed + holding.owed, lent + holding.lent)
    return [CurrencyTotal(currency, *both) for currency, both in sorted(sums.items())]
