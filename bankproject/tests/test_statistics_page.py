"""The page Statistics: the numbers of the API as charts, tables and files."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.http.response import HttpResponseBase
from django.test import Client

from accounts.models import Account
from bankproject.console.drawings import rounded_up
from bankproject.console.durations import in_seconds, shown_time
from tests.api import make_user
from tests.browser.sheets import read_xlsx
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer, Withdraw

pytestmark = pytest.mark.django_db

PAGE = "/admin/statistics/"
NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


def visit(user: Any, query: str = "", page: str = PAGE) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"{page}?{query}")


def text_of(response: Any) -> str:
    """The words of the page, without tags and runs of blanks."""
    content = response.content.decode().partition("<h1")[2]
    return " ".join(re.sub(r"<[^>]*>", " ", content).split())


@pytest.fixture
def auditor() -> Any:
    return make_user("auditor", role="auditor")


@pytest.fixture
def bank() -> tuple[Account, Account]:
    """Dollars and yen; one movement refused."""
    with time_machine.travel(NOON - timedelta(days=2), tick=False):
        ada, jun = make_account(balance="100.50"), make_account(balance=70_000, currency="JPY")
    with time_machine.travel(NOON, tick=False):
        bob = make_account(name="Bob")
        run(Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal("12.25")))
        run(Withdraw(account_id=bob.id, amount=Decimal(999)))
        run(Deposit(account_id=jun.id, amount=Decimal(5)))
    return ada, jun


def test_it_shows_the_last_thirty_days(auditor: Any, bank: Any) -> None:
    with time_machine.travel(NOON, tick=False):
        response = visit(auditor)
    words = text_of(response)
    assert "from 9 February 2026 to 10 March 2026" in words
    assert "Transactions 5 4 of them completed" in words
    assert "Failed 20.00% 1 transaction Not ended" in words
    assert "10 Mar 2026 3 2 1 0 0 33.33%" in words
    assert "10 Mar 2026 12.25 1,011.25" in words
    assert "10 Mar 2026 5 5 8 Mar 2026 70,000 70,000" in words
    assert "Insufficient funds 1" in words
    assert "Withdrawal 1 0 1 0 0 100.00%" in words
    assert "Processing time At once 95 of 100 took no longer" in words
    content = response.content.decode()
    # The form says which days these are.
    assert 'name="first_day" value="2026-02-09"' in content
    assert 'name="last_day" value="2026-03-10"' in content
    assert content.count('<svg class="bank-svg"') == 4
    # A day leads to its transactions.
    assert "created_at_from=2026-03-10&amp;created_at_to=2026-03-10" in content


def test_it_narrows_by_currency_type_and_days(auditor: Any, bank: Any) -> None:
    words = text_of(visit(auditor, "first_day=2026-03-10&last_day=2026-03-10&currency=JPY"))
    assert "Transactions 1 1 of them completed" in words
    assert "Amounts in USD" not in words
    words = text_of(visit(auditor, "interval=month&last_day=2026-03-31&type=DEPOSIT"))
    assert "from 1 April 2025 to 31 March 2026" in words
    assert "March 2026 3 3 0 0 0 0.00%" in words
    words = text_of(visit(auditor, "interval=hour&last_day=2026-03-10"))
    assert "made, on 10 March 2026." in words
    assert "10 Mar 12:00 3 2 1 0 0 33.33%" in words


def test_days_of_another_time_zone_than_the_viewers_are_no_links(auditor: Any, bank: Any) -> None:
    client = Client()
    client.force_login(auditor)
    client.cookies["bank_time_zone"] = "Asia/Tokyo"
    content = client.get(f"{PAGE}?last_day=2026-03-10").content.decode()
    main = content.partition("<main")[2]
    assert "10 Mar 2026" in main
    assert "created_at_from" not in main


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("first_day=2026-02-02&last_day=2026-02-01", "The first day is after the last one."),
        ("first_day=2026-01-01&last_day=2027-01-02", "By day, choose at most 366 days."),
        ("first_day=2026-01-01&last_day=2026-02-01&interval=hour", "at most 31 days."),
        ("first_day=0001-01-01", "These days are out of range."),
        ("last_day=9999-12-31", "These days are out of range."),
        ("first_day=x", "Enter a valid date."),
        ("currency=XXX", "Select a valid choice."),
        ("interval=week", "Select a valid choice."),
        ("type=%00", "Select a valid choice."),
    ],
)
def test_a_bad_choice_is_a_sentence_beside_the_form(auditor: Any, query: str, problem: str) -> None:
    response = visit(auditor, query)
    assert response.status_code == 200
    assert problem in text_of(response)
    assert visit(auditor, query, f"{PAGE}export/").status_code == 404


def test_an_empty_bank_says_so(auditor: Any) -> None:
    assert "Nothing was made on these days" in text_of(visit(auditor))


def test_only_readers_of_transactions_see_it() -> None:
    nobody = make_user("nobody", is_staff=True)
    for page in (PAGE, f"{PAGE}export/"):
        assert visit(nobody, page=page).status_code == 403
    assert b"/admin/statistics/" not in visit(nobody, page="/admin/").content
    for role in ("teller", "supervisor", "auditor"):
        user = make_user(role, role=role)
        assert visit(user).status_code == 200
        assert visit(user, page="/admin/").content.count(b"/admin/statistics/") >= 2


def content_of(response: HttpResponseBase) -> bytes:
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def test_files_have_the_same_numbers(auditor: Any, bank: Any, tmp_path: Path) -> None:
    days = "first_day=2026-03-10&last_day=2026-03-10"
    response = visit(auditor, days, f"{PAGE}export/")
    assert 'filename="statistics-2026-03-10-2026-03-10.csv"' in response["Content-Disposition"]
    header, *rows = csv.reader(io.StringIO(content_of(response).decode("utf-8-sig")))
    assert header[:5] == ["made (UTC)", "start (UTC)", "end (UTC)", "type", "currency"]
    assert [row[3:12] for row in rows] == [
        ["DEPOSIT", "JPY", "1", "1", "0", "0", "0", "5", "5"],
        ["TRANSFER", "USD", "1", "1", "0", "0", "0", "12.25", "12.25"],
        ["WITHDRAW", "USD", "1", "0", "1", "0", "0", "999.00", "0.00"],
    ]
    assert rows[0][:3] == ["10 Mar 2026", "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z"]
    response = visit(auditor, f"{days}&format=xlsx", f"{PAGE}export/")
    path = tmp_path / "statistics.xlsx"
    path.write_bytes(content_of(response))
    assert read_xlsx(path)[2][3:12] == [
        "TRANSFER",
        "USD",
        "1",
        "1",
        "0",
        "0",
        "0",
        "12.25",
        "12.25",
    ]
    assert visit(auditor, "format=docx", f"{PAGE}export/").status_code == 404


def test_axes_end_at_round_numbers() -> None:
    assert [rounded_up(most) for most in (0, 1, 2, 13, 99, 101, 4619)] == [
        *(2, 2, 2, 14, 100, 110, 4700)
    ]


def test_times_have_the_unit_that_suits_them() -> None:
    times = [0, 455_000, 1_250_000, 90_000_000, 3 * 3600 * 10**6, 36 * 3600 * 10**6]
    assert [in_seconds(time) for time in times] == [
        *("0 ms", "455 ms", "1.25 s", "1.5 min", "3.0 h", "1.5 d")
    ]
    assert [shown_time(time) for time in (None, 0, 1)] == ["-", "At once", "0.001 ms"]
