"""Receipts: for every completed movement, for those who may see it, as JSON and as PDF."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.admin import logged_in_as, transaction_url, words_of
from tests.api import API, assert_problem, bad_fields, client_of, make_user, shown, staff
from tests.factories import deposit, make_account, run
from transactions.commands import Reverse, Transfer, Withdraw
from transactions.models import Transaction
from transactions.tests.archiving import take

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(balance=100, name="Ada", owner_id=make_user("ada").id)


@pytest.fixture
def shop() -> Account:
    return make_account(name="متجر النور", owner_id=make_user("shop").id)


@pytest.fixture
def paid(ada: Account, shop: Account) -> Transaction:
    row = run(
        Transfer(
            account_id=ada.id,
            target_account_id=shop.id,
            amount=Decimal("12.50"),
            description="Two lamps",
        )
    )
    return Transaction.objects.get(pk=row.id)


def path(transaction: Any, query: str = "") -> str:
    return f"{API}transactions/{transaction.id}/receipt/{query}"


def text_of(response: HttpResponse) -> str:
    """The text of the PDF's only page."""
    assert response["Content-Type"] == "application/pdf"
    (page,) = pypdfium2.PdfDocument(b"".join(response.streaming_content))  # type: ignore[attr-defined]
    return str(page.get_textpage().get_text_range()).replace("\r\n", "\n")


def test_staff_see_both_sides(paid: Transaction, ada: Account, shop: Account) -> None:
    assert staff("auditor").get(path(paid)).json() == {
        "transaction_id": str(paid.id),
        "bank": "Bank",
        "type": "TRANSFER",
        "amount": "12.50",
        "currency": "USD",
        "from": {"account_id": str(ada.id), "number": ada.number, "name": "Ada"},
        "to": {"account_id": str(shop.id), "number": shop.number, "name": "متجر النور"},
        "description": "Two lamps",
        "completed_at": shown(paid.completed_at),
        "effective_at": shown(paid.effective_at),
        "reverses": None,
        "reversed_by": None,
    }


@pytest.mark.parametrize(("reader", "known"), [("ada", "from"), ("shop", "to")])
def test_a_customer_sees_the_number_of_the_other_account(
    paid: Transaction, ada: Account, shop: Account, reader: str, known: str
) -> None:
    own = {"ada": ada, "shop": shop}[reader]
    found = client_of(own.owner).get(path(paid)).json()
    names = {side: found[side]["name"] for side in ("from", "to")}
    assert names == {"from": None, "to": None, known: own.name}
    assert found["to"]["number"] == shop.number


def test_a_stranger_gets_the_answer_for_a_missing_one(paid: Transaction) -> None:
    detail = f"There is no transaction {paid.id}."
    assert_problem(client_of(make_user("eve")).get(path(paid)), "not_found", detail)


def test_the_pdf_has_the_same(paid: Transaction, ada: Account, shop: Account) -> None:
    client = staff("auditor")
    for response in (
        client.get(path(paid, "?format=pdf")),
        client.get(path(paid), headers={"Accept": "application/pdf"}),
    ):
        text = text_of(response)
        for words in (
            "Bank", "Receipt", "Transfer", "12.50 USD", f"From {ada.number}\n", "Two lamps",
            f"Transaction {paid.id}", f"{paid.completed_at:%Y-%m-%d %H:%M:%S} UTC", "Page 1 of",
            shop.number,
        ):  # fmt: skip
            assert words in text
        for name in ("Ada", "متجر النور"):  # Either of them may be handed it.
            assert name not in text
        assert response["Content-Disposition"] == f'inline; filename="receipt-{paid.id}.pdf"'


def test_the_same_receipt_has_the_same_bytes(paid: Transaction) -> None:
    client = staff("auditor")
    first, second = (
        b"".join(client.get(path(paid, "?format=pdf")).streaming_content)  # type: ignore[attr-defined]
        for _ in range(2)
    )
    assert first == second


def test_cash_is_no_account(ada: Account) -> None:
    paid_in, paid_out = deposit(ada, 5), run(Withdraw(account_id=ada.id, amount=Decimal(3)))
    client = client_of(ada.owner)
    assert client.get(path(paid_in)).json()["from"] is None
    assert client.get(path(paid_out)).json()["to"] is None
    assert "From Cash" in text_of(client.get(path(paid_in, "?format=pdf")))


def test_a_reversal_and_what_it_reverses_name_each_other(paid: Transaction, ada: Account) -> None:
    reversal = run(Reverse(transaction_id=paid.id, reason="Broken lamps"))
    client = staff("auditor")
    assert client.get(path(paid)).json()["reversed_by"] == str(reversal.id)
    assert client.get(path(reversal)).json()["reverses"] == str(paid.id)
    # A reason is for staff.
    assert client.get(path(reversal)).json()["description"] == "Broken lamps"
    owner = client_of(ada.owner)
    assert owner.get(path(reversal)).json()["description"] == ""
    for reader in (owner, client):
        assert "Broken lamps" not in text_of(reader.get(path(reversal, "?format=pdf")))


def test_the_pdf_names_the_accounts_of_one_customer(ada: Account) -> None:
    savings = make_account(name="Savings", owner_id=ada.owner_id)
    row = run(Transfer(account_id=ada.id, target_account_id=savings.id, amount=Decimal(1)))
    for reader in (staff("auditor"), client_of(ada.owner)):
        text = text_of(reader.get(path(row, "?format=pdf")))
        assert f"From {ada.number} Ada" in text
        assert f"To {savings.number} Savings" in text


def test_the_pdf_of_a_customer_has_their_own_name(paid: Transaction, shop: Account) -> None:
    text = text_of(client_of(shop.owner).get(path(paid, "?format=pdf")))
    assert "متجر النور" in text
    assert "Ada" not in text


def test_the_pdf_names_no_reversal_that_waits(paid: Transaction, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1)}
    reversal = run(Reverse(transaction_id=paid.id, reason="Broken lamps"))
    assert reversal.status == "PENDING"
    client = staff("auditor")
    assert client.get(path(paid)).json()["reversed_by"] == str(reversal.id)
    assert str(reversal.id) not in text_of(client.get(path(paid, "?format=pdf")))


def test_what_is_archived_has_its_receipt(paid: Transaction, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    client = staff("auditor")
    before = client.get(path(paid)).json()
    take()
    paid.refresh_from_db()
    assert paid.archived_at is not None
    assert client.get(path(paid)).json() == before


@pytest.mark.parametrize("query", ["", "?format=pdf"])
def test_what_is_not_completed_has_none(ada: Account, query: str) -> None:
    refused = run(Withdraw(account_id=ada.id, amount=Decimal(9000)))
    assert_problem(
        client_of(ada.owner).get(path(refused, query)),
        "invalid_transition",
        "Only a completed transaction has a receipt; it is FAILED.",
    )


def test_an_unknown_format_is_named(paid: Transaction) -> None:
    response = staff("auditor").get(path(paid, "?format=docx"))
    assert bad_fields(response) == [("format", "invalid_choice")]


def test_a_reader_with_a_copy_gets_no_second_one(paid: Transaction) -> None:
    client = staff("auditor")
    tag = client.get(path(paid))["ETag"]
    assert client.get(path(paid), headers={"If-None-Match": tag}).status_code == 304


def test_the_number_of_statements_is_bounded(paid: Transaction) -> None:
    client = staff("auditor")
    client.get(path(paid))
    with CaptureQueriesContext(connection) as queries:
        client.get(path(paid))
    with CaptureQueriesContext(connection) as of_detail:
        client.get(path(paid).removesuffix("receipt/"))
    assert len(queries) == len(of_detail) + 1


def test_the_page_of_a_transaction_leads_to_it(paid: Transaction) -> None:
    browser = logged_in_as("teller")
    page = browser.get(transaction_url(paid)).content.decode()
    receipt = f"/admin/transactions/transaction/{paid.id}/receipt/"
    assert f'href="{receipt}"' in page
    assert "Two lamps" in text_of(browser.get(receipt))


def test_what_is_not_completed_has_no_button(ada: Account) -> None:
    refused = run(Withdraw(account_id=ada.id, amount=Decimal(9000)))
    browser = logged_in_as("teller")
    page = transaction_url(Transaction.objects.get(pk=refused.id))
    receipt = f"/admin/transactions/transaction/{refused.id}/receipt/"
    assert receipt not in browser.get(page).content.decode()
    answer = browser.get(receipt, follow=True)
    assert "Only a completed transaction has a receipt; it is failed." in words_of(
        answer.content.decode()
    )
