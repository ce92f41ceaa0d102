"""Value dates in the console: set at the counter, shown with every posting."""

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from core.commands import Origin
from tests.admin import account_url, logged_in_as, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Approve, Deposit
from transactions.models import Transaction
from transactions.tests.counter import BUTTONS, confirm, hidden, newest, preview, said

pytestmark = pytest.mark.django_db

GIVEN = (timezone.now() - timedelta(days=3)).replace(hour=13, minute=5, second=7, microsecond=0)


@pytest.fixture(autouse=True)
def ten_days(settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 10


@pytest.fixture
def teller() -> Client:
    return logged_in_as("teller")


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance=100)


def written(moment: datetime) -> str:
    """The moment as a browser's field sends it, in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def values(button: str, at: str) -> dict[str, str]:
    to_bob = {"target": make_account(name="Bob").number} if button == "transfer" else {}
    return {"amount": "5", "effective_at": at, **to_bob}


@pytest.mark.parametrize("button", BUTTONS)
def test_it_is_given_foreseen_and_kept(teller: Client, ada: Account, button: str) -> None:
    page = preview(teller, ada, button, **values(button, written(GIVEN)))
    assert f"Value date {GIVEN:%Y-%m-%d %H:%M:%S}" in words_of(page)
    change = {**hidden(page), "change": "1"}
    form = teller.post(account_url(ada, button), change, follow=True).content.decode()
    assert f'value="{written(GIVEN)}"' in form
    confirm(teller, ada, button, page)
    made = newest()
    assert (made.status, made.effective_at) == ("COMPLETED", GIVEN)
    with nothing_changes():
        told = confirm(teller, ada, button, page)
        other = {**hidden(page), "effective_at": written(GIVEN - timedelta(days=1))}
        reused = teller.post(account_url(ada, button), {**other, "confirm": "1"})
    assert told[-1].startswith("Already done; nothing was repeated. ")
    assert said(reused)[-1].startswith("This form was confirmed before, with other content.")


def test_without_one_it_is_the_moment_of_asking(teller: Client, ada: Account) -> None:
    page = preview(teller, ada, "deposit", amount="5", effective_at="")
    assert "Value date" not in words_of(page)
    confirm(teller, ada, "deposit", page)
    assert newest().effective_at == newest().created_at


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (written(timezone.now() + timedelta(hours=1)), "A value date lies in the past."),
        (written(timezone.now() - timedelta(days=11)), "A value date lies at most 10 days back."),
        ("yesterday", "Enter a valid date/time."),
        ("2026-02-30T10:00:00", "Enter a valid date/time."),
        ("9999-12-31T23:59:59", "That moment is out of range."),
    ],
    ids=["to come", "too old", "words", "no such day", "out of range"],
)
def test_a_bad_value_date_has_its_error_beside_the_field(
    teller: Client, ada: Account, at: str, words: str
) -> None:
    page = preview(teller, ada, "deposit", amount="5", effective_at=at)
    assert words in page
    assert f'value="{at}"' in page
    assert 'name="confirm"' not in page


def test_the_form_has_none_where_it_is_switched_off(
    teller: Client, ada: Account, settings: Any
) -> None:
    """A field added by the client is ignored."""
    settings.BANK_BACKDATE_DAYS = 0
    assert 'name="effective_at"' not in teller.get(account_url(ada, "deposit")).content.decode()
    confirm(
        teller, ada, "deposit", preview(teller, ada, "deposit", **values("deposit", written(GIVEN)))
    )
    assert newest().effective_at == newest().created_at


def test_switched_off_between_preview_and_confirmation(
    teller: Client, ada: Account, settings: Any
) -> None:
    """Nothing is done that the preview did not show."""
    page = preview(teller, ada, "deposit", **values("deposit", written(GIVEN)))
    settings.BANK_BACKDATE_DAYS = 1
    with nothing_changes():
        response = teller.post(account_url(ada, "deposit"), {**hidden(page), "confirm": "1"})
    assert "A value date lies at most 1 day back." in response.content.decode()


def test_approval_keeps_it(teller: Client, ada: Account, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(5)}
    page = preview(teller, ada, "deposit", **values("deposit", written(GIVEN)))
    assert "waits until a second person approves it" in page
    confirm(teller, ada, "deposit", page)
    checker = make_user("checker", role="supervisor")
    run(
        Approve(transaction_id=newest().pk),
        Origin(user_id=checker.pk, caller=f"user:{checker.pk}"),
    )
    assert (newest().status, newest().effective_at) == ("COMPLETED", GIVEN)


def test_pages_and_files_show_it(teller: Client, ada: Account) -> None:
    run(Deposit(account_id=ada.id, amount=Decimal(5), effective_at=GIVEN))
    pk = newest().pk
    html = teller.get(account_url(ada)).content.decode()
    (line, older) = re.findall(r'<td class="bank-when".*?</td>', html, re.DOTALL)
    assert f"<br>Value date {GIVEN:%Y-%m-%d}</span>" in line
    assert "Value date" not in older
    cash = Account.objects.get(number="CASH-USD")
    assert f"Value date {GIVEN:%Y-%m-%d}" in teller.get(account_url(cash)).content.decode()
    listed = words_of(teller.get("/admin/transactions/entry/").content.decode())
    assert "Value date" in listed
    sheet: Any = teller.post(account_url(ada, "export"), {"file_format": "csv"})
    assert f",{written(GIVEN)}Z," in b"".join(sheet.streaming_content).decode()
    chosen = {"action": "export_csv", "_selected_action": [str(pk)]}
    rows: Any = teller.post("/admin/transactions/transaction/", chosen)
    assert f",{written(GIVEN)}Z," in rows.getvalue().decode()


def test_the_order_of_the_statement_does_not_depend_on_it(teller: Client, ada: Account) -> None:
    for days in (1, 5, 3):
        at = timezone.now() - timedelta(days=days)
        run(Deposit(account_id=ada.id, amount=Decimal(days), effective_at=at))
    html = teller.get(account_url(ada)).content.decode()
    balances = re.findall(r'data-label="Balance">([\d.,]+)<', html)
    assert balances == ["109.00", "106.00", "101.00", "100.00"]
    assert Transaction.objects.count() == 4
