"""An account's statement as a file."""

import csv
import io
import zipfile
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from core.errors import Busy
from tests.admin import account_url, logged_in_as
from tests.api import make_user, shown
from tests.factories import ORIGIN, make_account, run
from transactions.admin import account_export
from transactions.commands import Deposit, Transfer
from transactions.ledger.processor import process
from transactions.models import Entry
from transactions.reads import settled

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor() -> Client:
    return logged_in_as("auditor")


@pytest.fixture
def ada() -> Account:
    """Ada was paid 1,234,500 and paid 400 to Bob, with a description that would be a formula."""
    ada = make_account(name="Ada", balance=1234500)
    text = {"amount": Decimal("400.5"), "description": "=1+1"}
    run(Transfer(account_id=ada.id, target_account_id=make_account(name="Bob").id, **text))
    return ada


def save(client: Client, account: Account, **values: Any) -> Any:
    response: Any = client.post(account_url(account, "export"), {"file_format": "csv"} | values)
    assert response.status_code == 200
    return response


def lines_of(response: Any) -> list[list[str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


def test_the_statement_as_csv(auditor: Client, ada: Account) -> None:
    response = save(auditor, ada)
    name = f'attachment; filename="statement-{ada.number}.csv"'
    assert response["Content-Disposition"] == name
    header, paid_in, paid = lines_of(response)
    assert header == ["Posted at (UTC)", "Value date (UTC)", *account_export.COLUMNS]
    first, last = Entry.objects.filter(account=ada).order_by("sequence")
    assert paid_in[1:] == [
        shown(first.transaction.effective_at),
        *("Deposit", "", "", "1234500.00", "1234500.00", "USD", "1", str(first.transaction_id)),
    ]
    bob = Account.objects.get(name="Bob")
    assert paid[1:] == [
        shown(last.transaction.effective_at),
        *(f"Transfer to {bob}", "'=1+1", "400.50", "", "1234099.50", "USD", "2"),
        str(last.transaction_id),
    ]
    assert paid[0].endswith("Z")


@override_settings(TIME_ZONE="Asia/Tokyo")
def test_the_statement_as_xlsx(auditor: Client, ada: Account) -> None:
    response = save(auditor, ada, file_format="xlsx")
    with zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<t>Posted at (Asia/Tokyo)</t>" in sheet
    assert "<v>1234099.5</v>" in sheet
    assert "<t>=1+1</t>" in sheet
    assert "<f>" not in sheet


def test_days_bound_the_statement(auditor: Client, ada: Account) -> None:
    today = timezone.localdate()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    for days, lines in [
        ({"first": today, "last": today}, 2),
        ({"last": yesterday}, 0),
        ({"first": tomorrow}, 0),
        ({"first": yesterday, "last": tomorrow}, 2),
        ({"first": tomorrow, "last": yesterday}, 0),
    ]:
        assert len(lines_of(save(auditor, ada, **days))) == lines + 1, days


def test_all_lines_come_in_order_and_few_statements(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_export, "_READ_AT_ONCE", 10)
    account = make_account()
    process([Deposit(account_id=account.id, amount=Decimal(n)) for n in range(1, 26)], ORIGIN)
    with CaptureQueriesContext(connection) as queries:
        lines = lines_of(save(auditor, account))
    assert [line[8] for line in lines[1:]] == [str(n) for n in range(1, 26)]
    # Both sides, of three times ten.
    assert len([query for query in queries if '"credit_sequence" BETWEEN' in query["sql"]]) == 3
    assert len([query for query in queries if '"debit_sequence" BETWEEN' in query["sql"]]) == 3


def test_too_many_lines_for_a_file_are_refused(
    auditor: Client, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_export, "MOST_LINES", 1)
    html = save(auditor, ada).content.decode()
    assert "These days have 2 entries, and a file holds 1: choose fewer days." in html


def test_a_held_account_is_said_and_asked_again(
    auditor: Client, ada: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(_: Any) -> Any:
        raise Busy("The account is in use. Nothing was done.")

    monkeypatch.setattr(settled, "settled_account", held)
    html = save(auditor, ada).content.decode()
    assert "Busy, try again: The account is in use. Nothing was done." in html
    assert 'name="file_format"' in html


@pytest.mark.parametrize(
    "values", [{"file_format": "pdf"}, {"first": "yesterday"}, {"last": "9999-12-31"}]
)
def test_bad_input_is_asked_again(auditor: Client, ada: Account, values: dict[str, str]) -> None:
    response = save(auditor, ada, **values)
    assert "aria-invalid" in response.content.decode()


def test_a_user_who_may_not_see_entries_exports_none(client: Client, ada: Account) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    assert client.post(account_url(ada, "export"), {"file_format": "csv"}).status_code == 403


def test_the_bank_s_own_accounts_have_no_statement(auditor: Client, ada: Account) -> None:
    cash = Account.objects.get(number="CASH-USD")
    assert auditor.get(account_url(cash, "export")).status_code == 403
    assert account_url(cash, "export") not in auditor.get(account_url(cash)).content.decode()
    assert account_url(ada, "export") in auditor.get(account_url(ada)).content.decode()
