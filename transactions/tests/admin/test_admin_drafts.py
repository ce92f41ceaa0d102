"""A preview survives Back, reload and a lost login, and posts nothing by itself."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from staff.models import StaffSession
from tests.admin import account_url, logged_in, logged_in_as, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.tests.counter import confirm, hidden, newest, said

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery staple"


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance="100.25")


def draft_url(client: Client, account: Account, **values: str) -> str:
    """The address of a preview of a deposit."""
    form = client.get(account_url(account, "deposit")).content.decode()
    data = {**hidden(form), "amount": "5.00", "description": "Gift ☕", **values}
    with nothing_changes():
        response = client.post(account_url(account, "deposit"), data)
    assert response.status_code == 302
    url: str = response["Location"]
    assert url.startswith(f"{account_url(account, 'deposit')}?draft=")
    return url


def test_a_reload_shows_the_same_preview(ada: Account) -> None:
    teller = logged_in_as("teller")
    url = draft_url(teller, ada)
    with nothing_changes():
        first, again = (teller.get(url).content.decode() for _ in range(2))
    assert "Deposit of 5.00 USD" in words_of(first)
    assert hidden(first) == hidden(again)
    assert hidden(first)["description"] == "Gift ☕"


def test_back_after_the_confirmation_does_nothing_twice(ada: Account) -> None:
    teller = logged_in_as("teller")
    url = draft_url(teller, ada)
    confirm(teller, ada, "deposit", teller.get(url).content.decode())
    with nothing_changes():
        response = teller.get(url)
    assert response["Location"] == account_url(ada)
    assert said(response)[-1].startswith("Already done; nothing was repeated. Deposited 5.00 USD.")


def test_after_a_lost_login_the_preview_is_there_with_the_same_key(ada: Account) -> None:
    tessa = make_user("tessa", role="teller", password=PASSWORD)
    teller = logged_in(tessa)
    url = draft_url(teller, ada)
    page = teller.get(url).content.decode()
    StaffSession.objects.all().delete()
    with nothing_changes():
        response = teller.post(url, {**hidden(page), "confirm": "1"}, follow=True)
    login = response.redirect_chain[-1][0]
    html = response.content.decode()
    assert "You were logged out. Nothing was done." in html
    values = {"username": "tessa", "password": PASSWORD, "next": hidden(html)["next"]}
    response = teller.post(login, values, follow=True)
    again = response.content.decode()
    assert "Deposit of 5.00 USD" in words_of(again)
    assert hidden(again) == hidden(page)
    confirm(teller, ada, "deposit", again)
    assert newest().idempotency_key == hidden(page)["key"]


def test_a_first_visit_and_a_logout_are_no_lost_login(client: Client) -> None:
    html = client.get("/admin/accounts/account/", follow=True).content.decode()
    assert "You were logged out." not in html
    teller = logged_in_as("teller")
    teller.post("/admin/logout/")
    html = teller.get("/admin/accounts/account/", follow=True).content.decode()
    assert "You were logged out." not in html


def test_a_draft_is_of_one_user_one_form_and_one_day(ada: Account) -> None:
    teller = logged_in_as("teller")
    url = draft_url(teller, ada)
    draft = url.partition("?")[2]
    forged = f"{url[:-2]}{'AA' if url[-2:] != 'AA' else 'BB'}"
    other = make_account(name="Bob")
    others = (
        (logged_in_as("supervisor"), url),
        (teller, f"{account_url(ada, 'withdraw')}?{draft}"),
        (teller, f"{account_url(other, 'deposit')}?{draft}"),
        (teller, forged),
        (teller, f"{account_url(ada, 'deposit')}?draft="),
    )
    for client, address in others:
        with nothing_changes():
            for response in (client.get(address), client.post(address, {"confirm": "1"})):
                assert response["Location"] == address.partition("?")[0]
                assert said(response)[-1].startswith("This preview is out of date.")
    with time_machine.travel(timezone.now() + timedelta(hours=9), tick=True):
        late = logged_in(make_user("tina", role="teller"))
        assert late.get(url)["Location"] == account_url(ada, "deposit")
