"""Reopening a recently closed account."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from accounts.commands import CloseAccount, CloseCustomer, FreezeAccount, ReopenAccount
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core.errors import InvalidTransition
from customers.commands import ReopenCustomer
from tests.api import account_path, assert_problem, staff
from tests.assertions import nothing_changes
from tests.clock import clocks_apart
from tests.factories import deposit, make_account, make_customer, run

pytestmark = pytest.mark.django_db
WHY = "Closed by mistake"


@pytest.fixture
def closed() -> Account:
    """A closed account whose debits were blocked before."""
    account = make_account(name="Ada")
    run(FreezeAccount(account_id=account.id, scope=FreezeScope.DEBITS, reason="Papers"))
    run(CloseAccount(account_id=account.id, reason="Moved"))
    return account


def test_it_is_as_it_was(closed: Account) -> None:
    account = run(ReopenAccount(account_id=closed.id, reason=WHY))
    account.refresh_from_db()
    assert (account.status, account.debits_blocked, account.balance) == ("ACTIVE", True, 0)
    event = AccountEvent.objects.order_by("id").last()
    assert event is not None
    assert (event.event, event.reason) == ("REOPENED", WHY)
    assert (event.before, event.after) == ({"status": "CLOSED"}, {"status": "ACTIVE"})
    assert deposit(account, 5).status == "COMPLETED"


@pytest.mark.parametrize(
    ("days", "age", "is_refused"),
    [
        (30, timedelta(days=30, minutes=-1), False),
        (30, timedelta(days=30, minutes=1), True),
        (1, timedelta(days=2), True),
        (0, timedelta(seconds=1), True),
    ],
)
def test_only_for_some_days(
    closed: Account, settings: Any, days: int, age: timedelta, is_refused: bool
) -> None:
    settings.BANK_REOPEN_DAYS = days
    with time_machine.travel(timezone.now() + age, tick=False):
        if is_refused:
            with (
                nothing_changes(),
                pytest.raises(InvalidTransition, match=f"within {days} day"),
            ):
                run(ReopenAccount(account_id=closed.id, reason=WHY))
        else:
            run(ReopenAccount(account_id=closed.id, reason=WHY))


def test_the_period_is_told_in_words(closed: Account, settings: Any) -> None:
    for days, words in ((0, "0 days"), (1, "1 day"), (2, "2 days")):
        settings.BANK_REOPEN_DAYS = days
        late = timezone.now() + timedelta(days=9)
        with time_machine.travel(late, tick=False), pytest.raises(InvalidTransition) as raised:
            run(ReopenAccount(account_id=closed.id, reason=WHY))
        assert raised.value.detail == (
            f"Account {closed.number} can be reopened only within {words} of closing."
        )


@pytest.mark.postgresql
@pytest.mark.parametrize("wrong", [timedelta(days=40), timedelta(days=-40)])
def test_the_period_is_by_the_clock_of_the_bank(closed: Account, wrong: timedelta) -> None:
    with clocks_apart(), time_machine.travel(timezone.now() + wrong, tick=False):
        account = run(ReopenAccount(account_id=closed.id, reason=WHY))
    assert account.status == "ACTIVE"


def test_the_last_closing_counts(closed: Account) -> None:
    run(ReopenAccount(account_id=closed.id, reason=WHY))
    with time_machine.travel(timezone.now() + timedelta(days=40), tick=False):
        run(CloseAccount(account_id=closed.id, reason="Now really"))
        run(ReopenAccount(account_id=closed.id, reason=WHY))
    closed.refresh_from_db()
    assert closed.status == "ACTIVE"


def test_what_is_open_is_not_reopened() -> None:
    account = make_account()
    with nothing_changes(), pytest.raises(InvalidTransition, match="is not closed"):
        run(ReopenAccount(account_id=account.id, reason=WHY))


@pytest.mark.parametrize("status", ["closed", "forgotten"])
def test_of_a_customer_who_is_not_active_it_stays_closed(status: str) -> None:
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    run(CloseAccount(account_id=account.id, reason="Moved"))
    run(CloseCustomer(customer_id=customer.pk, reason="Moved"))
    if status == "forgotten":
        call_command("forget_customer", customer.number, "--reason", "Asked")
    client, path = staff("supervisor"), account_path(account, "reopen")
    page = f"/admin/accounts/account/{account.pk}/reopen/"
    with nothing_changes():
        detail = f"Customer {customer.number} is {status}."
        assert_problem(client.post(path, {"reason": WHY}), "invalid_transition", detail)
        told = client.post(page, {"reason": WHY}, format="multipart", follow=True)
        assert client.get(page).status_code == 403
    assert detail in told.content.decode()
    assert page not in told.content.decode()


def test_it_is_reopened_after_its_customer() -> None:
    customer = make_customer()
    account = make_account(customer_id=customer.pk)
    run(CloseAccount(account_id=account.id, reason="Moved"))
    run(CloseCustomer(customer_id=customer.pk, reason="Moved"))
    run(ReopenCustomer(customer_id=customer.pk, reason=WHY))
    assert run(ReopenAccount(account_id=account.id, reason=WHY)).status == "ACTIVE"


def test_over_http_and_in_the_console(closed: Account, settings: Any) -> None:
    client = staff("supervisor")
    path = account_path(closed, "reopen")
    with nothing_changes():
        assert client.post(path, {}).status_code == 400
    response = client.post(path, {"reason": WHY})
    assert (response.status_code, response.json()["status"]) == (200, "FROZEN")
    detail = f"Account {closed.number} is not closed."
    assert_problem(client.post(path, {"reason": WHY}), "invalid_transition", detail)
    run(CloseAccount(account_id=closed.id, reason="Moved"))
    page = f"/admin/accounts/account/{closed.pk}/"
    for days, is_offered in ((0, False), (1, True)):
        settings.BANK_REOPEN_DAYS = days
        html = client.get(f"{page}change/").content.decode()
        assert (f"{page}reopen/" in html) == is_offered
    response = client.post(f"{page}reopen/", {"reason": WHY}, format="multipart", follow=True)
    assert f"Reopened: account {closed.number} receives money again." in response.content.decode()
    html = client.get(f"{page}change/").content.decode()
    assert (f"{page}reopen/" in html, f"{page}close/" in html) == (False, True)
