"""Lists of transactions as XLSX and PDF: the rows of the JSON, for people."""

import io
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import HttpResponse
from openpyxl import load_workbook
from pypdfium2 import PdfDocument

from accounts.models import Account
from core.console import sheets
from core.console.sheets import SheetFormat
from tests.api import API, ApiClient, account_path, bad_fields, client_of, make_user, staff
from tests.factories import make_account, run
from transactions.api import csv_list
from transactions.commands import Transfer, Withdraw

pytestmark = pytest.mark.django_db

PATH = f"{API}transactions/"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def account() -> Account:
    account = make_account(balance=500, owner_id=make_user("ada").id)
    other = make_account(balance=10)
    payment = {"amount": Decimal("12.34"), "description": "=1+2 李"}
    run(Transfer(account_id=account.id, target_account_id=other.id, **payment))
    run(Withdraw(account_id=account.id, amount=Decimal(9000)))
    return account


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_list, "_ROWS_IN_PAGE", 2)


def content(response: HttpResponse) -> bytes:
    assert response.status_code == 200
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def table(response: HttpResponse) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The facts of the heading, and the rows."""
    sheet = load_workbook(io.BytesIO(content(response))).active
    rows = list(sheet.iter_rows(values_only=True))
    first = next(index for index, row in enumerate(rows) if row[0] == "transaction_id")
    facts = {row[0]: row[1] for row in rows[1:first] if row[0]}
    return facts, [dict(zip(rows[first], row, strict=True)) for row in rows[first + 1 :]]


def text_of(response: HttpResponse) -> str:
    return "\n".join(
        page.get_textpage().get_text_range() for page in PdfDocument(content(response))
    )


@pytest.mark.parametrize("query", [{}, {"type": "TRANSFER"}, {"status": "FAILED"}], ids=str)
def test_xlsx_has_the_rows_of_the_json(
    account: Account, auditor: ApiClient, query: dict[str, str]
) -> None:
    for client in (auditor, client_of(account.owner)):
        for path in (PATH, account_path(account, "transactions")):
            expected = client.get(f"{path}?{urlencode(query)}").json()["results"]
            facts, rows = table(client.get(f"{path}?{urlencode(query | {'format': 'xlsx'})}"))
            assert facts == query
            assert [row["transaction_id"] for row in rows] == [
                row["transaction_id"] for row in expected
            ]
            for row, one in zip(rows, expected, strict=True):
                assert Decimal(str(row["amount"])) == Decimal(one["amount"])
                assert row["created_at (UTC)"].isoformat() == one["created_at"][:19]
                assert row["failure_code"] == (one["failure"] or {}).get("code")
                assert (row["description"] or "") == one["description"]
                assert {row["account_number"], row["target_account_number"]} >= {
                    account.number
                } or (one["account_id"] != str(account.id))


def test_a_pdf_has_filters_and_numbers_of_accounts(account: Account, auditor: ApiClient) -> None:
    path = account_path(account, "transactions")
    response = auditor.get(f"{path}?format=pdf&type=TRANSFER&created_after=2020-01-01T00:00:00Z")
    assert response["Content-Type"] == "application/pdf"
    name = f"transactions-{account.number}.pdf"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    text = text_of(response)
    for words in (
        f"Transactions {account.number}", "type TRANSFER",
        "created_after 2020-01-01T00:00:00.000000Z", account.number, "12.34", "=1+2 李", "debit",
    ):  # fmt: skip
        assert words in text
    assert "WITHDRAW" not in text


def test_accept_asks_for_them_too(account: Account, auditor: ApiClient) -> None:
    for media_type in (XLSX, "application/pdf"):
        response = auditor.get(PATH, headers={"Accept": media_type})
        assert response["Content-Type"] == media_type
        content(response)


def test_a_page_of_a_file_is_refused(account: Account, auditor: ApiClient) -> None:
    response = auditor.get(f"{PATH}?format=pdf&page_size=5")
    assert bad_fields(response) == [("page_size", "not_with_pdf")]


@pytest.mark.parametrize("file_format", [SheetFormat.XLSX, SheetFormat.PDF])
def test_too_many_rows_are_refused(
    account: Account, auditor: ApiClient, file_format: SheetFormat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sheets.MOST_ROWS, file_format, 3)
    drawn: list[int] = []  # The file is begun only when all rows were counted.
    begin = sheets.temporary_file
    monkeypatch.setattr(sheets, "temporary_file", lambda write: drawn.append(1) or begin(write))
    response = auditor.get(f"{PATH}?format={file_format}")
    assert bad_fields(response) == [("format", "too_many_rows")]
    assert response.json()["errors"][0]["detail"] == (
        f"{file_format.upper()} has at most 3 rows. Narrow the list by its filters, or take CSV."
    )
    assert not drawn
    monkeypatch.setitem(sheets.MOST_ROWS, file_format, 4)
    content(auditor.get(f"{PATH}?format={file_format}"))


def test_another_s_account_is_not_found(account: Account) -> None:
    stranger = client_of(make_user("eve"))
    response = stranger.get(f"{account_path(account, 'transactions')}?format=pdf")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "Nothing." in text_of(stranger.get(f"{PATH}?format=pdf"))
