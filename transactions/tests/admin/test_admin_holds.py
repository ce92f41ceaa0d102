"""The console of holds: place one, see it on the account, capture and void it."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account, make_hold
from transactions.models import Hold, HoldCapture, Transaction

pytestmark = pytest.mark.django_db


@pytest.fixture
def teller() -> Client:
    client = Client()
    client.force_login(make_user("tessa", role="teller"))
    return client


def account_page(account: Any, button: str = "change") -> str:
    return reverse(f"admin:accounts_account_{button}", args=(account.pk,))


def hold_page(hold: Any, button: str = "change") -> str:
    return reverse(f"admin:transactions_hold_{button}", args=(hold.pk,))


def told(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_staff_place_capture_and_void(teller: Client) -> None:
    account, shop = make_account(balance=1100), make_account(name="Corner Shop")
    form = {"amount": "1050.00", "target": shop.number, "description": "Hotel", "key": uuid4()}
    for _ in range(2):  # Two clicks place one hold.
        response = teller.post(account_page(account, "hold"), form)
        assert told(response)[-1] == "1,050.00 USD are held."
    hold = Hold.objects.get()
    assert (hold.target_account_id, hold.description) == (shop.pk, "Hotel")
    shown = teller.get(account_page(account)).content.decode()
    for text in ("Open holds", "1,050.00 USD", "Corner Shop", "Hotel", hold_page(hold)):
        assert text in shown

    form = {"amount": "50.00", "key": uuid4()}
    for _ in range(2):
        response = teller.post(hold_page(hold, "capture"), form)
    assert told(response)[-1] == "Captured 50.00 USD."
    assert HoldCapture.objects.count() == 1
    page = teller.get(hold_page(hold)).content.decode()
    assert "1,000.00 USD" in page
    assert str(Transaction.objects.latest("id")) in page
    response = teller.post(hold_page(hold, "void"), {"reason": "Left early"})
    assert told(response)[-1] == "Voided: 1,000.00 USD are free again."
    hold.refresh_from_db()
    assert (hold.status, hold.captured, hold.end_reason) == ("VOIDED", 50, "Left early")
    assert "Capture</" not in teller.get(hold_page(hold)).content.decode()
    again = teller.post(hold_page(hold, "void"), {"reason": "Twice"})
    assert told(again)[-1].startswith("Not possible in this state:")


def test_an_empty_target_holds_for_cash_and_an_empty_amount_captures_all(teller: Client) -> None:
    account = make_account(balance=10)
    teller.post(account_page(account, "hold"), {"amount": "4", "target": "", "key": uuid4()})
    hold = Hold.objects.get()
    teller.post(hold_page(hold, "capture"), {"amount": "", "key": uuid4()})
    row = Transaction.objects.latest("id")
    assert (row.type, row.amount) == ("WITHDRAW", Decimal(4))


def test_what_is_not_there_is_refused_in_words(teller: Client) -> None:
    account = make_account(balance=10)
    with nothing_changes():
        form = {"amount": "10.01", "key": uuid4()}
        response = teller.post(account_page(account, "hold"), form)
    assert told(response)[-1] == "Insufficient funds: 10.00 USD available, 10.01 USD needed."


def test_auditors_only_read(teller: Client) -> None:
    account = make_account(balance=10)
    hold = make_hold(account, 1)
    auditor = Client()
    auditor.force_login(make_user("audrey", role="auditor"))
    assert auditor.get(hold_page(hold)).status_code == 200
    for path in (
        account_page(account, "hold"),
        hold_page(hold, "capture"),
        hold_page(hold, "void"),
    ):
        assert auditor.post(path, {"amount": "1", "key": uuid4()}).status_code == 403
