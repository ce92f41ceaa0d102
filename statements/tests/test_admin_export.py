"""The statement of any days as a file, by the button on the page of an account."""

import csv
import io
import zipfile
from typing import Any

import pypdfium2
import pytest
from django.test import Client, override_settings

from accounts.models import Account
from core.errors import Busy
from statements import contents
from statements.tests.monthly_bank import DECEMBER, MonthlyBank, at, make_monthly_bank
from tests.admin import account_url, logged_in_as, words_of
from tests.api import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank() -> MonthlyBank:
    return make_monthly_bank()


@pytest.fixture
def auditor(bank: MonthlyBank) -> Client:
    return logged_in_as("auditor")


def save(client: Client, account: Account, **values: Any) -> Any:
    with at(DECEMBER):
        # The session of the fixture is from today.
        user = client.get("/admin/").wsgi_request.user
        client.force_login(user if user.is_authenticated else make_user("late", role="auditor"))
        response: Any = client.post(account_url(account, "export"), {"file_format": "csv"} | values)
    assert response.status_code == 200
    return response


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def lines_of(response: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content(response).decode("utf-8-sig"))))


def test_all_entries_as_csv(auditor: Client, bank: MonthlyBank) -> None:
    response = save(auditor, bank.ada)
    name = f"statement-{bank.ada.number}-20250910-20251130.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    header, *lines = lines_of(response)
    assert header[:8] == [
        "Posted at (UTC)", "Value date (UTC)", "Type", "Text", "Description", "Debit", "Credit",
        "Balance after",
    ]  # fmt: skip
    # The other customer has a number, and no name.
    assert [line[2:8] for line in lines] == [
        ["DEPOSIT", "Deposit", 'Salary, "€"\nSeptember', "", "100.00", "100.00"],
        ["TRANSFER", f"Transfer to {bank.bob.number}", "", "30.50", "", "69.50"],
        ["WITHDRAW", "Withdrawal", "", "2.00", "", "67.50"],
    ]


def test_a_spreadsheet_states_the_period_and_both_balances(
    auditor: Client, bank: MonthlyBank
) -> None:
    days = {"first": "2025-10-01", "last": "2025-10-31"}
    response = save(auditor, bank.ada, file_format="xlsx", **days)
    with zipfile.ZipFile(io.BytesIO(content(response))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "2025-10-01 to 2025-10-31 (UTC)" in sheet
    for words, amount in (("Opening balance", "100"), ("Closing balance", "67.5")):
        assert f"<v>{amount}</v>" in sheet.split(words, 1)[1].split("</row>", 1)[0]


def test_a_paper_has_the_same(auditor: Client, bank: MonthlyBank) -> None:
    days = {"first": "2025-10-01", "last": "2025-10-31"}
    response = save(auditor, bank.ada, file_format="pdf", **days)
    assert response["Content-Type"] == "application/pdf"
    pages = pypdfium2.PdfDocument(content(response))
    text = "\n".join(page.get_textpage().get_text_range() for page in pages)
    for words in ("2025-10-01 to 2025-10-31", "100.00", "67.50", bank.ada.number, bank.bob.number):
        assert words in text
    assert "Bob" not in text


@pytest.mark.parametrize(
    ("days", "lines"),
    [
        ({"last": "2025-09-10"}, 1),
        ({"last": "2025-09-09"}, 0),
        ({"first": "2025-10-31"}, 1),
        ({"first": "2025-11-01"}, 0),
        ({"first": "2025-10-05", "last": "2026-10-05"}, 2),
    ],
)
def test_days_bound_the_statement(
    auditor: Client, bank: MonthlyBank, days: dict[str, str], lines: int
) -> None:
    assert len(lines_of(save(auditor, bank.ada, **days))) == lines + 1


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_days_are_those_of_the_bank(auditor: Client, bank: MonthlyBank) -> None:
    # The last moment of October in UTC is in November there.
    assert len(lines_of(save(auditor, bank.ada, last="2025-10-31"))) == 3


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"first": "2026-01-01"}, "The day is in the future."),
        ({"first": "2025-10-02", "last": "2025-10-01"}, "The last day is before the first."),
        ({"file_format": "json"}, "Select a valid choice."),
        ({"first": "yesterday"}, "Enter a valid date."),
        ({"last": "9999-12-31"}, "That moment is out of range."),
    ],
)
def test_bad_input_is_asked_again(
    auditor: Client, bank: MonthlyBank, values: dict[str, str], words: str
) -> None:
    html = save(auditor, bank.ada, **values).content.decode()
    assert words in words_of(html)
    assert 'name="file_format"' in html


def test_too_many_lines_for_a_paper_are_refused(
    auditor: Client, bank: MonthlyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(contents.MOST_ENTRIES, contents.DocumentFormat.PDF, 2)
    words = words_of(save(auditor, bank.ada, file_format="pdf").content.decode())
    assert "An interim statement as PDF has at most 2 entries, and these days have 3." in words


def test_a_held_account_is_said_and_asked_again(
    auditor: Client, bank: MonthlyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(_: Any) -> Any:
        raise Busy("The account is in use. Nothing was done.")

    monkeypatch.setattr(contents, "settled_account", held)
    html = save(auditor, bank.ada).content.decode()
    assert "Busy, try again: The account is in use. Nothing was done." in html
    assert 'name="file_format"' in html


def test_a_user_who_may_not_see_statements_exports_none(client: Client, bank: MonthlyBank) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    assert client.post(account_url(bank.ada, "export"), {"file_format": "csv"}).status_code == 403


def test_the_bank_s_own_accounts_have_no_statement(auditor: Client, bank: MonthlyBank) -> None:
    cash = Account.objects.get(number="CASH-USD")
    assert auditor.get(account_url(cash, "export")).status_code == 403
    assert account_url(cash, "export") not in auditor.get(account_url(cash)).content.decode()
    assert account_url(bank.ada, "export") in auditor.get(account_url(bank.ada)).content.decode()
