"""The buttons of an account's page that move no money: the API's commands, run from a form."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account, AccountEvent, internal_account_id
from tests.admin import account_url, logged_in_as
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Deposit, Withdraw

pytestmark = pytest.mark.django_db

BUTTONS = ("rename", "freeze", "unfreeze", "overdraft-limit", "limits", "close")
BY_SUPERVISORS = ("freeze", "overdraft-limit", "limits", "close")


@pytest.fixture
def supervisor() -> Client:
    return logged_in_as("supervisor")


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def press(client: Client, account: Account, button: str, **values: str) -> tuple[list[str], Any]:
    """Presses the button; returns the messages of the page, and the account's newest event."""
    response = client.post(account_url(account, button), values)
    assert (response.status_code, response["Location"]) == (302, account_url(account))
    account.refresh_from_db()
    return said(response), AccountEvent.objects.filter(account=account).order_by("id").last()


@pytest.mark.parametrize(
    ("scope", "words", "blocks"),
    [
        ("all", "Frozen: No money can leave or enter the account.", (True, True)),
        ("debits", "Frozen: No money can leave the account.", (True, False)),
        ("credits", "Frozen: No money can enter the account.", (False, True)),
    ],
)
def test_freezing_one_side_or_both(
    supervisor: Client, scope: str, words: str, blocks: tuple[bool, bool]
) -> None:
    account = make_account()
    told, event = press(supervisor, account, "freeze", scope=scope, reason="Court\r\norder")
    assert told == [words]
    assert (account.debits_blocked, account.credits_blocked) == blocks
    assert (event.event, event.reason) == ("FROZEN", "Court\norder")
    assert (event.actor.username, event.address) == ("supervisor", "127.0.0.1")


def test_unfreezing(supervisor: Client) -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id, reason="Court order"))
    told, event = press(supervisor, account, "unfreeze", reason="Lifted")
    assert told == ["Unfrozen: money can leave and enter the account again."]
    assert (account.debits_blocked, account.credits_blocked) == (False, False)
    assert (event.event, event.reason) == ("UNFROZEN", "Lifted")


def test_renaming_takes_no_reason() -> None:
    account = make_account(name="Ada")
    told, event = press(logged_in_as("teller"), account, "rename", name="Ada <King>")
    assert told == ['Renamed: the account is now "Ada <King>".']
    assert (account.name, event.event, event.reason) == ("Ada <King>", "RENAMED", "")


def test_a_limit_is_told_with_what_is_available(supervisor: Client) -> None:
    account = make_account(balance="1000.5")
    values = {"overdraft_limit": "2500", "reason": "Good customer"}
    told, event = press(supervisor, account, "overdraft-limit", **values)
    assert told == ["The overdraft limit is now 2,500.00 USD; 3,500.50 USD are available."]
    assert account.overdraft_limit == Decimal(2500)
    assert (event.event, event.reason) == ("OVERDRAFT_LIMIT_CHANGED", "Good customer")


def test_limits_of_payments_are_told(supervisor: Client) -> None:
    account = make_account()
    values = {"max_amount": "500", "daily_count": "3", "reason": "Young customer"}
    told, event = press(supervisor, account, "limits", **values)
    assert told == ["The limits are now: 500.00 USD a payment, 3 payments a day."]
    assert (account.max_amount, account.daily_amount, account.daily_count) == (500, None, 3)
    assert (event.event, event.reason) == ("LIMITS_CHANGED", "Young customer")
    form = supervisor.get(account_url(account, "limits")).content.decode()
    assert 'value="500.00"' in form


def test_closing(supervisor: Client) -> None:
    account = make_account()
    told, event = press(supervisor, account, "close", reason="Has left")
    assert told == [f"Closed: account {account.number} neither receives nor pays money any more."]
    assert (account.is_closed, event.event) == (True, "CLOSED")
    for button in BUTTONS:
        assert supervisor.get(account_url(account, button)).status_code == 403


def test_a_refusal_is_told_with_its_code_and_nothing_is_done(supervisor: Client) -> None:
    account = make_account(balance=7)
    with nothing_changes():
        told, _ = press(supervisor, account, "close", reason="Has left")
    assert told == ["The account still holds money: The balance is 7.00 USD, not zero."]


@pytest.mark.parametrize("button", ["freeze", "unfreeze", "close"])
def test_a_form_sent_twice_is_done_once_and_told_why(supervisor: Client, button: str) -> None:
    account = make_account()
    if button == "unfreeze":
        run(FreezeAccount(account_id=account.id, reason="Court order"))
    values = {"reason": "Twice", "scope": "all"}
    press(supervisor, account, button, **values)
    with nothing_changes():
        told, _ = press(supervisor, account, button, **values)
    title = "The account is closed: " if button == "close" else "Not possible in this state: "
    assert told[-1].startswith(title)


@pytest.mark.parametrize(
    ("button", "values", "words"),
    [
        ("freeze", {"scope": "all"}, "This field is required."),
        ("freeze", {"scope": "half", "reason": "x"}, "Select a valid choice."),
        ("close", {"reason": " "}, "This field is required."),
        ("rename", {"name": ""}, "This field is required."),
        ("overdraft-limit", {"overdraft_limit": "2,50", "reason": "x"}, "with a decimal point"),
        ("overdraft-limit", {"overdraft_limit": "-1", "reason": "x"}, "with a decimal point"),
        # An error that only the command finds also appears beside its field.
        ("overdraft-limit", {"overdraft_limit": "0.005", "reason": "x"}, "at most 2 decimals."),
    ],
)
def test_bad_input_is_asked_again(
    supervisor: Client, button: str, values: dict[str, str], words: str
) -> None:
    account = make_account()
    with nothing_changes():
        response = supervisor.post(account_url(account, button), values)
    assert response.status_code == 200
    html = response.content.decode()
    assert words in html
    assert "aria-invalid" in html
    assert said(response) == []


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("auditor", set()),
        ("teller", {"rename"}),
        ("supervisor", {"rename", *BY_SUPERVISORS}),
    ],
)
def test_a_button_is_for_its_right(role: str, allowed: set[str]) -> None:
    account = make_account()
    client = logged_in_as(role)
    html = client.get(account_url(account)).content.decode()
    with nothing_changes():
        for button in BUTTONS:
            status = 200 if button in allowed else 403
            assert client.get(account_url(account, button)).status_code == status, button
            # A POST checks only the right to the button; the command checks the account's state.
            sent = 200 if role == "supervisor" else status
            assert client.post(account_url(account, button), {}).status_code == sent, button
            assert (account_url(account, button) in html) == (button in allowed), button


def test_a_superuser_goes_by_the_same_commands(admin_client: Client) -> None:
    account = make_account(balance=7)
    told, event = press(admin_client, account, "freeze", scope="all", reason="Court order")
    assert told == ["Frozen: No money can leave or enter the account."]
    assert event.actor.username == "admin"


def test_a_button_shows_where_the_state_allows_it(supervisor: Client) -> None:
    account = make_account()
    frozen, closed = make_account(), make_account()
    run(FreezeAccount(account_id=frozen.id, reason="Court order"))
    run(CloseAccount(account_id=closed.id, reason="Has left"))
    cash = Account.objects.get(pk=internal_account_id("CASH", "USD"))
    for one, hidden in [
        (account, {"unfreeze"}),
        (frozen, {"freeze"}),
        (closed, set(BUTTONS)),
        (cash, set(BUTTONS)),
    ]:
        html = supervisor.get(account_url(one)).content.decode()
        assert {button for button in BUTTONS if account_url(one, button) not in html} == hidden


@pytest.mark.parametrize(
    ("balance", "limit", "words"),
    [
        ("900.50", 0, "Close: it still holds 900.50 USD."),
        ("-20.00", 50, "Close: it still owes 20.00 USD."),
        ("0", 50, ""),
    ],
)
def test_only_an_empty_account_has_the_button_to_close_it(
    balance: str, limit: int, words: str, supervisor: Client
) -> None:
    account = make_account(overdraft_limit=Decimal(limit))
    amount = Decimal(balance)
    if amount:
        move = Deposit if amount > 0 else Withdraw
        run(move(account_id=account.id, amount=abs(amount)))
    page = supervisor.get(account_url(account))
    html = page.content.decode()
    assert (account_url(account, "close") in html) == (not words)
    assert words in html
    assert supervisor.get(account_url(account, "close")).status_code == (403 if words else 200)
    if not words:
        assert page.context["more"][-1]["title"] == "Close", "the last one"


def test_money_comes_first_and_the_rest_behind_more(supervisor: Client) -> None:
    page = supervisor.get(account_url(make_account()))
    assert [button["title"] for button in page.context["buttons"]] == [
        "Deposit",
        "Withdraw",
        "Transfer",
        "Hold",
    ]
    assert "<summary" in page.content.decode()
    page = logged_in_as("auditor").get(account_url(make_account()))
    assert page.context["buttons"][0]["title"] == "Export"
    assert page.context["more"] == [], "nothing is hidden where nothing comes first"


def test_the_form_of_a_limit_shows_the_present_one(supervisor: Client) -> None:
    account = make_account(overdraft_limit=Decimal(200))
    html = supervisor.get(account_url(account, "overdraft-limit")).content.decode()
    assert "It is 200.00 USD now." in html


@pytest.mark.parametrize("button", BUTTONS)
def test_a_missing_account_has_no_buttons(supervisor: Client, button: str) -> None:
    for name in ("019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27", "nonsense"):
        path = f"/admin/accounts/account/{name}/{button}/"
        assert supervisor.post(path, {"reason": "x"}).status_code == 403


def test_help_and_errors_have_the_ids_that_the_fields_name(supervisor: Client) -> None:
    html = supervisor.post(
        account_url(make_account(), "overdraft-limit"), {"reason": ""}
    ).content.decode()
    names = "id_overdraft_limit_helptext id_overdraft_limit_error"
    assert f'aria-describedby="{names}"' in html
    assert all(f'id="{name}"' in html for name in names.split())
