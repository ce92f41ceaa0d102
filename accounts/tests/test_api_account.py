"""GET and PATCH accounts/{account_id}/."""

from typing import Any
from uuid import uuid4

import pytest

from accounts.commands import CloseAccount
from accounts.models import CASH, Account, AccountEvent, internal_account_id
from tests.api import (
    ADDRESS,
    REQUEST_ID,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    make_user,
    shown,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def test_an_account_is_read_whole(teller: ApiClient) -> None:
    owner = make_user("ada")
    account = make_account(balance="12.3", owner_id=owner.id, metadata={"é": "<b>"})
    response = teller.get(account_path(account))
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Request-ID"] == REQUEST_ID
    assert response.json() == {
        "account_id": str(account.id),
        "number": account.number,
        "name": "Ada Lovelace",
        "owner": "ada",
        "customer": None,
        "currency": "USD",
        "balance": "12.30",
        "available_balance": "12.30",
        "overdraft_limit": "0.00",
        "held": "0.00",
        "status": "ACTIVE",
        "debits_blocked": False,
        "credits_blocked": False,
        "metadata": {"é": "<b>"},
        "created_at": shown(account.created_at),
        "updated_at": shown(account.updated_at),
    }
    assert account.updated_at > account.created_at


@pytest.mark.usefixtures("patient")
def test_staff_read_the_cash_account_which_has_no_balance_of_its_own(teller: ApiClient) -> None:
    make_account(balance="12.3")
    cash = internal_account_id(CASH, "USD")
    body = teller.get(account_path(cash)).json()
    assert (body["number"], body["balance"], body["available_balance"]) == ("CASH-USD", None, None)
    body = teller.get(account_path(cash, "balance")).json()
    assert (body["balance"], body["available_balance"]) == ("-12.30", None)


def test_an_unknown_account_is_not_found(teller: ApiClient) -> None:
    missing = uuid4()
    for response in (
        teller.get(account_path(missing)),
        teller.patch(account_path(missing), {"name": "Grace"}),
    ):
        assert_problem(response, "not_found", f"There is no account {missing}.")


def test_name_and_metadata_change_together_each_with_its_event(teller: ApiClient) -> None:
    account = make_account(balance=3, metadata={"old": "1"})
    read = teller.get(account_path(account)).json()
    response = teller.patch(account_path(account), {"name": "Grace", "metadata": {"new": "2"}})
    account.refresh_from_db()
    assert response.status_code == 200
    assert response.json() == read | {
        "name": "Grace",
        "metadata": {"new": "2"},
        "updated_at": shown(account.updated_at),
    }
    assert (account.name, account.metadata, account.balance) == ("Grace", {"new": "2"}, 3)
    opened, renamed, changed = AccountEvent.objects.order_by("id")
    assert opened.event == "OPENED"
    for event in (renamed, changed):
        assert event.actor is not None
        assert (event.actor.username, event.request_id, event.address, event.reason) == (
            "teller",
            REQUEST_ID,
            ADDRESS,
            "",
        )
    assert (renamed.event, renamed.before, renamed.after) == (
        "RENAMED",
        {"name": "Ada Lovelace"},
        {"name": "Grace"},
    )
    assert (changed.event, changed.before, changed.after) == (
        "METADATA_CHANGED",
        {"metadata": {"old": "1"}},
        {"metadata": {"new": "2"}},
    )


@pytest.mark.parametrize(
    ("change", "kept"),
    [({"name": "Grace"}, {"metadata": {"a": "1"}}), ({"metadata": {}}, {"name": "Ada Lovelace"})],
)
def test_omitted_fields_stay_unchanged(
    teller: ApiClient, change: dict[str, Any], kept: dict[str, Any]
) -> None:
    account = make_account(metadata={"a": "1"})
    body = teller.patch(account_path(account), change).json()
    assert body.items() >= (change | kept).items()
    assert AccountEvent.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, [("", "required")]),
        ({"name": None}, [("/name", "null")]),
        ({"name": ""}, [("/name", "blank")]),
        ({"name": "Grace", "metadata": {"a": ["b"]}}, [("/metadata/a", "invalid")]),
        ({"name": "Grace", "balance": "5.00"}, [("/balance", "unknown_field")]),
        (
            {"status": "CLOSED", "owner": "ada"},
            [("/status", "unknown_field"), ("/owner", "unknown_field")],
        ),
        ({"name": "Gr\u202eace"}, [("/name", "invalid_character")]),
    ],
)
def test_a_bad_change_changes_nothing(
    teller: ApiClient, body: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    account = make_account()
    with nothing_changes():
        assert bad_fields(teller.patch(account_path(account), body)) == errors


def test_a_closed_account_keeps_its_name(teller: ApiClient) -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    with nothing_changes():
        response = teller.patch(account_path(account), {"name": "Grace"})
    assert_problem(response, "account_closed", f"Account {account.number} is closed.")
    assert Account.objects.get(pk=account.id).name == "Ada Lovelace"
