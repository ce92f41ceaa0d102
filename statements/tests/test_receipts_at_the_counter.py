"""Receipts that staff hand out: the new balance of the customer's own account, and who posted."""

import re
from decimal import Decimal

import pytest

from accounts.models import Account
from core.commands import Origin
from statements.tests.test_receipts import path, text_of
from tests.admin import logged_in
from tests.api import client_of, make_user
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer
from transactions.models import Transaction
from transactions.tests.counter import confirm, preview

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(balance="100.25", name="Ada", owner_id=make_user("ada").id)


@pytest.fixture
def bob() -> Account:
    return make_account(balance=7, name="Bob", owner_id=make_user("bob").id)


def test_the_link_after_a_transfer_tells_the_payer_s_balance_alone(
    ada: Account, bob: Account
) -> None:
    teller = make_user("tessa", role="teller", first_name="Tessa", last_name="Quill")
    browser = logged_in(teller)
    page = preview(browser, ada, "transfer", target=bob.number, amount="0.25")
    (told,) = confirm(browser, ada, "transfer", page)
    (link,) = re.findall(r'href="([^"]*/receipt/[^"]*)"', told)
    text = text_of(browser.get(link))
    for words in ("New balance 100.00 USD\n", "Posted by Tessa Quill\n", f"From {ada.number} Ada"):
        assert words in text
    for words in ("7.25", "Bob"):
        assert words not in text
    of_bob = text_of(browser.get(link.replace(str(ada.pk), str(bob.pk))))
    assert "New balance 7.25 USD\n" in of_bob
    assert "100.00" not in of_bob
    for other in ("", f"?account={make_account().pk}", "?account=nonsense"):
        text = text_of(browser.get(link.partition("?")[0] + other))
        assert "New balance" not in text


def test_a_deposit_tells_the_balance_after_it(ada: Account) -> None:
    row = run(Deposit(account_id=ada.id, amount=Decimal(3)))
    run(Deposit(account_id=ada.id, amount=Decimal(50)))
    receipt = f"/admin/transactions/transaction/{row.id}/receipt/"
    text = text_of(logged_in(make_user("tessa", role="teller")).get(receipt))
    assert "New balance 103.25 USD\n" in text
    assert "Posted by" not in text, "a job has posted it"


def test_both_accounts_of_one_customer_have_their_balance(ada: Account) -> None:
    savings = make_account(name="Savings", owner_id=ada.owner_id)
    row = run(Transfer(account_id=ada.id, target_account_id=savings.id, amount=Decimal(9)))
    receipt = f"/admin/transactions/transaction/{row.id}/receipt/"
    text = text_of(logged_in(make_user("tessa", role="teller")).get(receipt))
    assert f"New balance 91.25 USD, account {ada.number}" in text
    assert f"New balance 9.00 USD, account {savings.number}" in text


def test_a_customer_is_told_their_own_balance_and_no_name_of_staff(
    ada: Account, bob: Account
) -> None:
    teller = make_user("tessa", role="teller")
    transfer = Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(2))
    row = run(transfer, Origin(user_id=teller.pk, caller=f"user:{teller.pk}"))
    paid = Transaction.objects.get(pk=row.id)
    for account, own, other in ((ada, "98.25", "9.00"), (bob, "9.00", "98.25")):
        text = text_of(client_of(account.owner).get(path(paid, "?format=pdf")))
        assert f"New balance {own} USD" in text
        assert other not in text
        assert "tessa" not in text
