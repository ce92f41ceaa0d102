"""The page on which a second person decides on an overdraft limit."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.commands import ChangeLimits, ChangeOverdraftLimit, FreezeAccount
from accounts.models import Account, LimitRequest
from tests.admin import logged_in, words_of
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import make_account, make_customer, make_hold, make_limit_request, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def tessa() -> Any:
    return make_user("tessa", role="supervisor")


@pytest.fixture
def susan() -> Client:
    return logged_in(make_user("susan", role="supervisor"))


@pytest.fixture
def asked(tessa: Any) -> LimitRequest:
    """Of 25,000 on an account that has 1,250.5 and may owe 300."""
    customer = make_customer(name="Countess of Lovelace")
    account = make_account(
        balance="1250.5", name="Ada", overdraft_limit=Decimal(300), customer_id=customer.pk
    )
    return make_limit_request(account, 25_000, reason="A bridge", requested_by=tessa)


def page_of(asked: LimitRequest, decision: str) -> str:
    return reverse(f"admin:accounts_limitrequest_{decision}", args=[asked.pk])


def mark_in(html: str) -> str:
    (mark,) = re.findall(r'name="foreseen" value="([^"]+)"', html)
    return mark


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_it_shows_who_asked_why_and_what_the_account_has(
    decision: str, asked: LimitRequest, susan: Client
) -> None:
    words = words_of(susan.get(page_of(asked, decision)).content.decode())
    for shown in (
        f"Overdraft limit of {asked.account.full_name}",
        "Asked by tessa, ",
        "Why A bridge",
        "Customer ",
        "Countess of Lovelace",
        f"Account {asked.account}",
        "Status Active. Nothing is blocked.",
        "Limit now 300.00 USD",
        "Limit wanted 25,000.00 USD",
        "Balance now 1,250.50 USD",
        "Available now 1,550.50 USD",
        "If approved 26,250.50 USD available",
    ):
        assert shown in words
    assert "would be refused" not in words


def test_what_holds_reserve_is_not_available(asked: LimitRequest, susan: Client) -> None:
    make_hold(asked.account, 50)
    words = words_of(susan.get(page_of(asked, "approve")).content.decode())
    assert "Available now 1,500.50 USD" in words
    assert "If approved 26,200.50 USD available" in words


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_changed_meanwhile_is_shown_and_not_decided(
    decision: str, asked: LimitRequest, susan: Client
) -> None:
    url = page_of(asked, decision)
    form = {"foreseen": mark_in(susan.get(url).content.decode()), "reason": "Seen"}
    account_id = asked.account_id
    run(FreezeAccount(account_id=account_id, reason="Court order"))
    with nothing_changes():
        html = susan.post(url, form).content.decode()
    assert "The account has changed since the page was shown. Nothing was done" in html
    assert "Status Frozen. No money can leave or enter the account." in words_of(html)
    assert ">Seen</textarea>" in html
    form["foreseen"] = mark_in(html)
    lowered = ChangeOverdraftLimit(
        account_id=account_id, overdraft_limit=Decimal(200), reason="Salary"
    )
    run(lowered)
    with nothing_changes():
        html = susan.post(url, form).content.decode()
    words = words_of(html)
    assert "Limit now 300.00 USD at the request, 200.00 USD now" in words
    assert "If approved now it would be refused. The limit has changed since" in words
    told = susan.post(url, form | {"foreseen": mark_in(html)}, follow=True).content.decode()
    asked.refresh_from_db()
    if decision == "approve":
        assert "The limit has changed since the request: request it again." in told
        assert asked.status == "PENDING"
    else:
        assert "Reject: the overdraft limit of" in told
        assert (asked.status, asked.decision_reason) == ("REJECTED", "Seen")
    assert Account.objects.get(pk=account_id).overdraft_limit == 200


def test_a_forgotten_reason_does_not_hide_what_changed_meanwhile(
    asked: LimitRequest, susan: Client
) -> None:
    url = page_of(asked, "reject")
    form = {"foreseen": mark_in(susan.get(url).content.decode()), "reason": ""}
    run(FreezeAccount(account_id=asked.account_id, reason="Court order"))
    for said_now in (True, False):
        with nothing_changes():
            html = susan.post(url, form).content.decode()
        assert "This field is required" in html
        assert ("The account has changed since the page was shown" in html) == said_now
        form["foreseen"] = mark_in(html)


def test_it_is_decided_by_what_was_shown_and_only_once(asked: LimitRequest, susan: Client) -> None:
    url = page_of(asked, "approve")
    form = {"foreseen": mark_in(susan.get(url).content.decode()), "reason": ""}
    told = susan.post(url, form, follow=True).content.decode()
    assert "is 25,000.00 USD." in told
    with nothing_changes():
        again = susan.post(url, form, follow=True).content.decode()
    assert "already" in again


def test_own_requests_and_accounts_and_closed_ones_are_told(
    asked: LimitRequest, tessa: Any
) -> None:
    own = make_limit_request(make_account(owner_id=tessa.pk))
    closed = make_limit_request(make_account(name="Bob"))
    Account.objects.filter(pk=closed.account_id).update(status="CLOSED")
    client = logged_in(tessa)
    for one, why in (
        (asked, "You asked for this, so someone else approves it."),
        (own, "The account is your own, so someone else decides."),
        (closed, "The account is closed."),
    ):
        words = words_of(client.get(page_of(one, "approve")).content.decode())
        assert f"If approved now it would be refused. {why}" in words


def test_who_asked_may_reject_and_is_not_told_otherwise(asked: LimitRequest, tessa: Any) -> None:
    client = logged_in(tessa)
    words = words_of(client.get(page_of(asked, "reject")).content.decode())
    assert "You asked for this" not in words
    told = client.post(page_of(asked, "reject"), {"reason": "Not needed"}, follow=True)
    assert "Reject: the overdraft limit of" in told.content.decode()


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_what_is_decided_already_says_so_and_asks_nothing(
    decision: str, asked: LimitRequest, susan: Client
) -> None:
    susan.post(page_of(asked, "approve"), {"reason": ""})
    shown = [susan.get(page_of(asked, decision))]
    if decision == "reject":  # Its reason is missing, so nothing reaches the command.
        shown.append(susan.post(page_of(asked, decision), {"reason": ""}))
    for response in shown:
        html = response.content.decode()
        assert "The request is approved already, by susan." in words_of(html)
        assert "would be refused" not in html
        assert 'name="reason"' not in html
        assert (
            'type="submit"' not in html.partition('<form method="post"')[2].partition("</form>")[0]
        )
    change = susan.get(page_of(asked, "change")).content.decode()
    assert page_of(asked, decision) not in change


def test_looser_limits_of_payments_are_decided_here_too(susan: Client, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    account = make_account(name="Ada")
    for amount in (50, 700):
        command = ChangeLimits(
            account_id=account.pk, max_amount=Decimal(amount), daily_amount=None, daily_count=4
        )
        run(command)
    asked = LimitRequest.objects.get()
    words = words_of(susan.get(page_of(asked, "approve")).content.decode())
    for shown in (
        "Payment limits of Ada",
        "Limits now 50.00 USD a payment, 4 payments a day",
        "Limits wanted 700.00 USD a payment, 4 payments a day",
    ):
        assert shown in words
    title = "Payment limits of 700.00 USD a payment, 4 payments a day"
    assert title in words_of(susan.get(reverse("approvals")).content.decode())
    response = susan.post(page_of(asked, "approve"), {"reason": ""}, follow=True)
    account.refresh_from_db()
    assert account.max_amount == 700
    told = "the payment limits of"
    assert told in response.content.decode()
