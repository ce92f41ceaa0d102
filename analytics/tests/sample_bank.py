"""The bank of the sample answers in docs/queries.md."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

from accounts.models import Account
from customers.models import Customer
from statements.tests.monthly_bank import at
from tests.factories import make_account, make_customer, run
from transactions.commands import Deposit, Reverse, Transfer, Withdraw
from transactions.models import Transaction

TODAY = datetime(2025, 12, 1, 12, tzinfo=UTC)


def make_sample_bank(folder: Path, settings: Any) -> None:
    """Two customers, four accounts, entries of three months; the oldest two are archived."""
    settings.DATA_DIR = folder
    with at(datetime(2025, 9, 10, tzinfo=UTC)):
        ada, shop = make_customer(name="Ada"), make_customer(name="Shop")
        private = make_account(customer_id=ada.pk)
        savings = make_account(customer_id=ada.pk)
        till = make_account(customer_id=shop.pk)
        yen = make_account(currency="JPY")
        run(Deposit(account_id=private.pk, amount=Decimal("1000.50")))
        run(Deposit(account_id=yen.pk, amount=Decimal(50_000)))
    with at(datetime(2025, 10, 5, 9, tzinfo=UTC)):
        run(Transfer(account_id=private.pk, target_account_id=till.pk, amount=Decimal("80.25")))
        run(Transfer(account_id=private.pk, target_account_id=savings.pk, amount=Decimal(300)))
        wrong = run(Withdraw(account_id=yen.pk, amount=Decimal(7)))
    with at(datetime(2025, 10, 31, 23, 59, 59, 999_999, tzinfo=UTC)):
        run(Transfer(account_id=till.pk, target_account_id=private.pk, amount=Decimal("5.05")))
    with at(datetime(2025, 11, 3, 8, tzinfo=UTC)):
        run(Withdraw(account_id=private.pk, amount=Decimal(20)))
        run(Withdraw(account_id=till.pk, amount=Decimal(999)))
        run(Reverse(transaction_id=wrong.id, reason="Counted wrongly"))
        run(Deposit(account_id=till.pk, amount=Decimal("44.10")))
    with at(TODAY):
        call_command("archive_transactions", "--before=2025-10-01T00:00:00Z", stdout=StringIO())


def names() -> dict[str, str]:
    """What the documents have instead of numbers and ids that are made up at random."""
    customers = Customer.objects.order_by("name").values_list("number", flat=True)
    accounts = Account.objects.filter(kind="CUSTOMER").order_by("-currency", "-balance")
    ids = Transaction.objects.order_by("created_at", "currency", "amount").values_list(
        "id", flat=True
    )
    shown = {str(number): f"{31 + place}00000000" for place, number in enumerate(customers)}
    for place, number in enumerate(accounts.values_list("number", flat=True)):
        shown[number] = f"{40 + place}0000000000"
    for place, pk in enumerate(ids.values_list("id", flat=True)):
        shown[str(pk)] = f"0199a000-0000-7000-8000-{place:012}"
    return shown
