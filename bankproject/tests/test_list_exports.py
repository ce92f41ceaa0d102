"""Lists of the console as files: the rows that filters and search select, in their order."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from accounts.models import Account
from core.console import sheets
from core.console.sheets import SheetFormat
from tests.admin import logged_in_as
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger.processor import process

pytestmark = pytest.mark.django_db

LISTS = {
    "transactions": reverse("admin:transactions_transaction_changelist"),
    "entries": reverse("admin:transactions_entry_changelist"),
    "accounts": reverse("admin:accounts_account_changelist"),
}


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance=1_000)


@pytest.fixture
def bob(ada: Account) -> Account:
    bob = make_account(name="Bob 李", balance=20)
    run(
        Transfer(
            account_id=ada.id,
            target_account_id=bob.id,
            amount=Decimal("12.50"),
            description="=1+1",
        )
    )
    run(Withdraw(account_id=bob.id, amount=Decimal(900)))
    return bob


@pytest.fixture
def auditor() -> Client:
    return logged_in_as("auditor")


def export(client: Client, name: str, **query: str) -> Any:
    response = client.get(f"{LISTS[name]}export/", query)
    assert response.status_code == 200
    return response


def csv_of(client: Client, name: str, **query: str) -> list[dict[str, str]]:
    text = export(client, name, **query).getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def pdf_text(client: Client, name: str, **query: str) -> str:
    document = PdfDocument(export(client, name, format="pdf", **query).getvalue())
    return "\n".join(page.get_textpage().get_text_range() for page in document)


def xlsx_of(client: Client, name: str, **query: str) -> list[tuple[Any, ...]]:
    file = io.BytesIO(export(client, name, format="xlsx", **query).getvalue())
    return list(load_workbook(file).active.iter_rows(values_only=True))


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_transactions_newest_first(auditor: Client, ada: Account, bob: Account) -> None:
    rows = csv_of(auditor, "transactions")
    assert [(row["Type"], row["Status"], row["Amount"]) for row in rows] == [
        ("Withdrawal", "Failed", "900.00"),
        ("Transfer", "Completed", "12.50"),
        ("Deposit", "Completed", "20.00"),
        ("Deposit", "Completed", "1000.00"),
    ]
    assert rows[1]["Description"] == "'=1+1"
    assert rows[1]["Credit account name"] == "Bob 李"


def test_entries_of_an_account_by_sequence(auditor: Client, ada: Account, bob: Account) -> None:
    rows = csv_of(auditor, "entries", account=ada.number)
    assert [
        (row["Sequence"], row["Debit"], row["Credit"], row["Balance after"]) for row in rows
    ] == [
        ("2", "12.50", "", "987.50"),
        ("1", "", "1000.00", "1000.00"),
    ]
    assert {row["Account"] for row in rows} == {ada.number}
    # Each transfer has two sides in the whole list.
    assert len(csv_of(auditor, "entries")) == 6


def test_accounts_with_their_balances(auditor: Client, ada: Account, bob: Account) -> None:
    rows = csv_of(auditor, "accounts")
    found = {row["Number"]: (row["Name"], row["Status"], row["Balance"]) for row in rows}
    assert found == {
        ada.number: ("Ada", "Active", "987.50"),
        bob.number: ("Bob 李", "Active", "32.50"),
    }


@pytest.mark.parametrize("name", LISTS)
def test_the_file_has_the_rows_of_the_list(
    name: str, auditor: Client, ada: Account, bob: Account
) -> None:
    page = auditor.get(LISTS[name])
    shown = len(page.context["cl"].result_list)
    assert len(csv_of(auditor, name)) == shown > 1
    html = page.content.decode()
    for file_format in SheetFormat:
        assert f'href="{LISTS[name]}export/?format={file_format}"' in html


def test_filters_and_search_narrow_it_and_stand_in_its_heading(
    auditor: Client, ada: Account, bob: Account
) -> None:
    query = {"status__exact": "FAILED", "currency": "USD", "amount_from": "800", "q": bob.number}
    rows = xlsx_of(auditor, "transactions", **query)
    assert [row[:2] for row in rows[:5]] == [
        ("Transactions", None),
        ("Search", bob.number),
        ("Status", "Failed"),
        ("Currency", "USD (US Dollar)"),
        ("Amount from", "800"),
    ]
    assert rows[6][1] == "Type"
    assert [row[1] for row in rows[7:]] == ["Withdrawal"]
    text = pdf_text(auditor, "transactions", **query)
    for words in ("Transactions", f"Search {bob.number}", "Status Failed", "Amount from 800"):
        assert words in text
    assert "900.00" in text
    assert "12.50" not in text


def test_a_link_keeps_the_filters(auditor: Client, ada: Account, bob: Account) -> None:
    html = auditor.get(LISTS["transactions"], {"status__exact": "FAILED"}).content.decode()
    assert f"{LISTS['transactions']}export/?status__exact=FAILED&amp;format=pdf" in html


@pytest.mark.parametrize("name", LISTS)
def test_a_pdf_names_people_in_any_script(
    name: str, auditor: Client, ada: Account, bob: Account
) -> None:
    assert "Bob 李" in pdf_text(auditor, name)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("file_format", SheetFormat)
@pytest.mark.usefixtures("bob")
def test_too_many_rows_are_refused(
    name: str, file_format: SheetFormat, auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sheets.MOST_ROWS, file_format, 1)
    response = auditor.get(f"{LISTS[name]}export/?format={file_format}")
    assert response.status_code == 302
    assert said(response) == [
        f"A {file_format.upper()} holds 1 rows. Narrow the list by its filters."
    ]


def test_an_unknown_filter_exports_nothing(auditor: Client, bob: Account) -> None:
    response = auditor.get(f"{LISTS['transactions']}export/?idempotency_key__startswith=a")
    assert response.status_code == 302
    assert said(response) == ["The list has no such filter, so nothing was exported."]


def test_an_unknown_format_is_not_found(auditor: Client) -> None:
    assert auditor.get(f"{LISTS['accounts']}export/?format=exe").status_code == 404


@pytest.mark.parametrize("name", LISTS)
def test_it_is_for_those_who_may_read_the_list(name: str, client: Client, auditor: Client) -> None:
    page = f"{LISTS[name]}export/"
    assert client.get(page).status_code == 302  # To the login.
    assert auditor.post(page).status_code == 403


@pytest.mark.parametrize("name", LISTS)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    name: str, auditor: Client, ada: Account, bob: Account
) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            csv_of(auditor, name)
        return len(queries)

    cost()  # Fills Django's caches.
    before = cost()
    process([Deposit(account_id=ada.id, amount=Decimal(n + 1)) for n in range(50)], ORIGIN)
    deposit(make_account(), 5)
    assert cost() == before


def test_what_is_selected_is_saved_as_pdf(auditor: Client, ada: Account, bob: Account) -> None:
    chosen = csv_of(auditor, "transactions")[1]["Transaction"]
    body = {"action": "export_pdf", "_selected_action": [chosen]}
    response: Any = auditor.post(LISTS["transactions"], body)
    (page,) = PdfDocument(response.getvalue())
    text = page.get_textpage().get_text_range()
    assert "Selected transactions" in text
    assert "12.50" in text
    assert "900.00" not in text
