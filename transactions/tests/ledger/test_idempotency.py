"""A key belongs to one request of one caller, for ever. The insert settles it."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import CloseAccount, CloseCustomer, FreezeAccount
from accounts.models import Account
from clients.models import ApiClient as RestClient
from clients.registry import issue_token
from core.api.idempotency import MAX_KEY_LENGTH
from core.database import create_objects, drop_objects
from tests.api import API, ApiClient, account_path, anonymous, client_of, make_user, staff
from tests.assertions import nothing_changes
from tests.factories import make_account, make_customer, run
from tests.identities import client_with, token_of
from transactions.commands import Withdraw
from transactions.ledger import writer as ledger
from transactions.models import Transaction

# A commit settles the keys, so the tests must commit.
pytestmark = pytest.mark.django_db(transaction=True)

KEY = "pay-2026-01-31"
REPLAYED = "Idempotent-Replayed"


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def post(client: Any, path: str, body: Any, key: str | None = KEY) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(path, body, headers=headers)


def pay_in(client: Any, account: Account, amount: str, key: str | None = KEY) -> Any:
    return post(client, account_path(account, "deposit"), {"amount": amount}, key)


def balance(account: Account) -> Decimal | None:
    return Account.objects.get(pk=account.pk).balance


def made() -> int:
    return Transaction.objects.count()


def assert_reused(response: Any) -> None:
    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert REPLAYED not in response


def test_the_second_request_answers_like_the_first_and_moves_nothing(teller: ApiClient) -> None:
    account = make_account(balance="3")
    first = pay_in(teller, account, "10.25")
    assert (first.status_code, REPLAYED in first) == (200, False)
    with nothing_changes():
        second = pay_in(teller, account, "10.25")
    assert (second.status_code, second[REPLAYED]) == (200, "true")
    assert second.json() == first.json()
    assert balance(account) == Decimal("13.25")


@pytest.mark.parametrize(
    "body",
    [
        '{"amount":"10.5","description":"Rent"}',
        '{"description":"Rent","amount":10.500}',
        ' { "amount" : "10.50" , "description" : "\\u0052ent" } ',
    ],
)
def test_the_same_content_in_other_letters_is_the_same_request(
    teller: ApiClient, body: str
) -> None:
    account = make_account()
    path = account_path(account, "deposit")
    first = post(teller, path, {"amount": "10.50", "description": "Rent"})
    second = teller.post_raw(path, body, headers={"Idempotency-Key": KEY})
    assert (second.status_code, second[REPLAYED]) == (200, "true")
    assert second.json() == first.json()
    assert balance(account) == Decimal("10.5")


def test_another_amount_is_refused(teller: ApiClient) -> None:
    account = make_account()
    pay_in(teller, account, "10")
    with nothing_changes():
        assert_reused(pay_in(teller, account, "11"))


def test_another_account_is_refused(teller: ApiClient) -> None:
    one, other = make_account(), make_account()
    pay_in(teller, one, "10")
    with nothing_changes():
        assert_reused(pay_in(teller, other, "10"))


def test_another_operation_is_refused(teller: ApiClient) -> None:
    account = make_account(balance="50")
    pay_in(teller, account, "10")
    with nothing_changes():
        assert_reused(post(teller, account_path(account, "withdraw"), {"amount": "10"}))


@pytest.mark.parametrize(
    "body", [{"amount": "10.123"}, {"amount": "0"}, {"amount": "10", "colour": "red"}, {}]
)
def test_input_that_left_nothing_behind_keeps_no_key(teller: ApiClient, body: Any) -> None:
    account = make_account()
    with nothing_changes():
        assert post(teller, account_path(account, "deposit"), body).status_code == 400
    assert pay_in(teller, account, "10").status_code == 200
    assert balance(account) == 10


def test_a_request_for_a_missing_account_keeps_no_key(teller: ApiClient) -> None:
    source, target = make_account(balance="20"), make_account()
    path, body = account_path(source, "transfer"), {"amount": "7"}
    missing = {**body, "target_account_id": str(UUID(int=target.id.int + 1))}
    assert post(teller, path, missing).status_code == 404
    assert post(teller, path, {**body, "target_account_id": str(source.id)}).status_code == 400
    assert post(teller, path, {**body, "target_account_id": str(target.id)}).status_code == 200
    assert balance(target) == 7


@pytest.mark.parametrize("key", ["k" * 1000, "k" * (MAX_KEY_LENGTH + 1), "", "a b", "é"])
def test_what_cannot_be_a_key_is_400(teller: ApiClient, key: str) -> None:
    account = make_account()
    with nothing_changes():
        response = pay_in(teller, account, "10", key)
    assert response.status_code == 400
    assert [error["pointer"] for error in response.json()["errors"]] == ["Idempotency-Key"]


def test_the_longest_key_is_kept_whole(teller: ApiClient) -> None:
    account = make_account()
    for last in "ab":
        assert pay_in(teller, account, "10", "k" * (MAX_KEY_LENGTH - 1) + last).status_code == 200
    assert balance(account) == 20


def test_two_equal_payments_without_a_key_are_two(teller: ApiClient) -> None:
    account = make_account()
    ids = {pay_in(teller, account, "10", None).json()["transaction_id"] for _ in range(2)}
    assert (len(ids), balance(account)) == (2, 20)


def test_a_refusal_keeps_its_key_whatever_happens_afterwards(teller: ApiClient) -> None:
    account = make_account(balance="5")
    path, body = account_path(account, "withdraw"), {"amount": "8"}
    first = post(teller, path, body)
    assert (first.status_code, first.json()["code"]) == (400, "insufficient_funds")
    pay_in(teller, account, "100", "another")
    with nothing_changes():
        second = post(teller, path, body)
    assert (second.status_code, second[REPLAYED]) == (400, "true")
    told, again = first.json(), second.json()
    assert told.pop("request_id")
    assert again.pop("request_id")
    assert again == told
    with nothing_changes():
        assert_reused(post(teller, path, {"amount": "4"}))
    assert post(teller, path, {"amount": "4"}, "a-new-one").status_code == 200


def test_success_is_replayed_where_the_same_would_be_refused_today(teller: ApiClient) -> None:
    account = make_account(balance="10")
    path, body = account_path(account, "withdraw"), {"amount": "10"}
    first = post(teller, path, body)
    for change in (
        lambda: None,
        lambda: run(FreezeAccount(account_id=account.id, reason="Papers are missing")),
        lambda: run(CloseAccount(account_id=account.id, reason="Asked for")),
    ):
        change()
        with nothing_changes():
            again = post(teller, path, body)
        assert (again.status_code, again.json()) == (200, first.json())


def test_a_replay_shows_the_present_state(teller: ApiClient) -> None:
    """For an opened account: its balance and name now, not those of the first response."""
    opening = {"name": "Ada Lovelace", "initial_balance": "5.50"}
    first = post(teller, f"{API}accounts/", opening)
    assert (first.status_code, REPLAYED in first) == (201, False)
    account = Account.objects.get(pk=first.json()["account_id"])
    run(Withdraw(account_id=account.id, amount=Decimal(2)))
    with nothing_changes():
        second = post(teller, f"{API}accounts/", opening)
    assert (second.status_code, second[REPLAYED]) == (201, "true")
    assert second["Location"] == first["Location"]
    assert second.json()["account_id"] == first.json()["account_id"]
    assert (first.json()["balance"], second.json()["balance"]) == ("5.50", "3.50")
    with nothing_changes():
        assert_reused(post(teller, f"{API}accounts/", {**opening, "initial_balance": "6"}))


def test_a_replayed_opening_names_its_deposit(teller: ApiClient, settings: Any) -> None:
    """In its present state, and no other deposit of the account."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    opening = {"name": "Ada Lovelace", "initial_balance": "100"}
    first = post(teller, f"{API}accounts/", opening).json()
    waiting = first["initial_deposit"]
    assert waiting["status"] == "PENDING"
    assert post(teller, f"{API}accounts/", opening).json() == first
    checker = staff("supervisor")
    path = f"{API}transactions/{waiting['transaction_id']}/approve/"
    assert checker.post(path, {}).status_code == 200
    again = post(teller, f"{API}accounts/", opening).json()
    assert again["initial_deposit"] == {**waiting, "status": "COMPLETED"}
    empty = {"name": "Bob"}
    bob = post(teller, f"{API}accounts/", empty, "bob").json()
    assert pay_in(teller, Account.objects.get(pk=bob["account_id"]), "5", None).status_code == 200
    assert post(teller, f"{API}accounts/", empty, "bob").json()["initial_deposit"] is None


def test_an_opening_is_replayed_after_its_owner_was_switched_off(teller: ApiClient) -> None:
    make_user("ada")
    opening = {"name": "Ada Lovelace", "owner": "ada"}
    first = post(teller, f"{API}accounts/", opening)
    get_user_model().objects.filter(username="ada").update(is_active=False)
    second = post(teller, f"{API}accounts/", opening)
    assert (second.status_code, second.json()) == (201, first.json())
    assert post(teller, f"{API}accounts/", opening, "a-new-one").status_code == 400


def test_an_opening_is_replayed_after_its_customer_was_closed(teller: ApiClient) -> None:
    customer = make_customer()
    opening = {"name": "Ada Lovelace", "customer": str(customer.id)}
    first = post(teller, f"{API}accounts/", opening)
    run(CloseAccount(account_id=UUID(first.json()["account_id"])))
    run(CloseCustomer(customer_id=customer.id))
    second = post(teller, f"{API}accounts/", opening)
    assert (second.status_code, second[REPLAYED]) == (201, "true")
    assert second.json()["account_id"] == first.json()["account_id"]
    with nothing_changes():
        assert_reused(post(teller, f"{API}accounts/", opening | {"name": "Ada King"}))
        assert post(teller, f"{API}accounts/", opening, "a-new-one").status_code == 409


def test_one_key_is_for_an_opening_or_for_money(teller: ApiClient) -> None:
    account = make_account()
    post(teller, f"{API}accounts/", {"name": "Ada Lovelace"}, "opening")
    with nothing_changes():
        assert_reused(pay_in(teller, account, "10", "opening"))
    pay_in(teller, account, "10", "deposit")
    with nothing_changes():
        assert_reused(post(teller, f"{API}accounts/", {"name": "Ada Lovelace"}, "deposit"))


def test_another_callers_key_is_another_key(teller: ApiClient) -> None:
    """Neither a conflict nor a leak: not even for the same user with another client."""
    account = make_account()
    user = get_user_model().objects.get(username="teller")
    callers = [
        teller,
        client_of(make_user("tom", role="teller")),
        client_with(token_of(user)),
        client_with(token_of(user)),
    ]
    answers = [pay_in(caller, account, "10") for caller in callers]
    assert [REPLAYED in answer for answer in answers] == [False] * 4
    assert len({answer.json()["transaction_id"] for answer in answers}) == 4
    assert balance(account) == 40
    with nothing_changes():
        replays = [pay_in(caller, account, "10") for caller in callers]
    assert [one.json() for one in replays] == [one.json() for one in answers]
    for caller, answer in zip(callers, answers, strict=True):
        found = caller.get(f"{API}transactions/?idempotency_key={KEY}").json()["results"]
        assert [row["transaction_id"] for row in found] == [answer.json()["transaction_id"]]
    assert teller.get(f"{API}transactions/?idempotency_key=other").json()["results"] == []


def test_a_new_token_of_the_same_client_is_the_same_caller() -> None:
    account = make_account()
    first = client_with(token_of(make_user("tessa", role="teller")))
    pay_in(first, account, "10")
    client = RestClient.objects.get()
    assert pay_in(client_with(issue_token(client)), account, "10")[REPLAYED] == "true"
    assert balance(account) == 10


def test_access_is_checked_again_on_a_replay() -> None:
    """For an account that changed hands, the former owner gets the error of a missing one."""
    ada, grace = make_user("ada"), make_user("grace")
    source, target = make_account(balance="9", owner_id=ada.pk), make_account()
    client, body = client_of(ada), {"amount": "4", "target_account_id": str(target.id)}
    path = account_path(source, "transfer")
    assert post(client, path, body).status_code == 200
    assert post(client, path, body)[REPLAYED] == "true"
    # An account keeps its owner: only a change past the guards can do this.
    drop_objects(connection, kinds=("trigger",))
    Account.objects.filter(pk=source.pk).update(owner=grace)
    create_objects(connection)
    missing = UUID(int=source.id.int + 1)
    with nothing_changes():
        gone, never = (
            post(client, path, body),
            post(client, account_path(missing, "transfer"), body),
        )
    assert (gone.status_code, REPLAYED in gone) == (404, False)
    assert gone.content.replace(str(source.id).encode(), str(missing).encode()) == never.content
    found = client.get(f"{API}transactions/?idempotency_key={KEY}")
    assert found.json()["results"] == []
    assert post(client_of(grace), path, {**body, "amount": "2"}).status_code == 200


def test_rights_are_checked_again_on_a_replay() -> None:
    account, user = make_account(), make_user("tessa", role="teller")
    client = client_of(user)
    pay_in(client, account, "10")
    user.groups.clear()
    answer = pay_in(client, account, "10")
    assert (answer.status_code, REPLAYED in answer) == (403, False)
    assert pay_in(anonymous(), account, "10").status_code == 401


@pytest.mark.parametrize("kind", ["deposit", "withdraw", "transfer", "refusal", "opening"])
def test_a_key_adds_no_statement_to_the_first_request(teller: ApiClient, kind: str) -> None:
    source, target = make_account(balance="50"), make_account()
    transfer = {"amount": "3", "target_account_id": str(target.id)}
    path, body, expected = {
        "deposit": (account_path(source, "deposit"), {"amount": "3"}, 200),
        "withdraw": (account_path(source, "withdraw"), {"amount": "3"}, 200),
        "transfer": (account_path(source, "transfer"), transfer, 200),
        "refusal": (account_path(source, "withdraw"), {"amount": "900"}, 400),
        "opening": (f"{API}accounts/", {"name": "Ada", "initial_balance": "3"}, 201),
    }[kind]
    counts = []
    for key in (None, "first", "second"):
        with CaptureQueriesContext(connection) as queries:
            assert post(teller, path, body, key).status_code == expected
        counts.append(len(queries))
    assert counts[0] == counts[1] == counts[2] > 0


def test_a_crash_keeps_no_key(teller: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash after the last statement rolls back the key too: the retry is the first success."""
    account = make_account()
    teller.raise_request_exception = False
    write = ledger.write

    def crash(*written: Any) -> None:
        write(*written)
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patched, nothing_changes():
        patched.setattr(ledger, "write", crash)
        assert pay_in(teller, account, "10").status_code == 500
    answer = pay_in(teller, account, "10")
    assert (answer.status_code, REPLAYED in answer) == (200, False)
    assert (balance(account), made()) == (10, 1)
