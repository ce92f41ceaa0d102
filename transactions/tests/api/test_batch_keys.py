"""Keys of a batch and of its items: each belongs to one request of one caller, for ever."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.db import connections

from tests.api import API, ApiClient, account_path, assert_problem, bad_fields, staff
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Batch, Transaction
from transactions.tests.api.test_api_batch import balances, item, post, shown

# A commit settles the keys, so the tests must commit.
pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"Idempotency_Key": "batch-1"}
REPLAYED = "Idempotent-Replayed"
REUSED = "This key was used for another request. Use a new one."


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def keyed(kind: str, account: Any, amount: str, key: str, **members: Any) -> dict[str, Any]:
    return item(kind, account, amount, idempotency_key=key, **members)


@pytest.mark.parametrize("atomic", [True, False])
def test_the_whole_batch_is_answered_again_in_its_present_state(
    teller: ApiClient, atomic: bool
) -> None:
    ada = make_account(balance=5)
    last = "7" if atomic else "70"
    items = [item("DEPOSIT", ada, "2.50"), item("WITHDRAW", ada, last)]
    first = post(teller, *items, atomic=atomic, **KEY)
    assert (first.status_code, REPLAYED in first) == (200, False)
    with nothing_changes():
        again = post(teller, *items, atomic=atomic, **KEY)
    assert (again.status_code, again[REPLAYED]) == (200, "true")
    results = [{**result, "replayed": True} for result in first.json()["results"]]
    assert again.json() == {**first.json(), "results": results}
    if not atomic:
        teller.post(account_path(ada, "deposit"), {"amount": "100"})
        path = f"{API}transactions/{results[1]['transaction_id']}/retry/"
        teller.post(path, {"reason": "There is enough now"})
        assert shown(post(teller, *items, **KEY).json())[1] == ("COMPLETED", "37.50", None)


def test_a_refused_atomic_batch_is_refused_again_in_the_same_words(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    items = [item("DEPOSIT", ada, "2.50"), item("WITHDRAW", ada, "70")]
    first = post(teller, *items, atomic=True, **KEY)
    with nothing_changes():
        again = post(teller, *items, atomic=True, **KEY)
    assert (again.status_code, again[REPLAYED]) == (400, "true")
    assert again.json() == first.json()
    assert first.json()["index"] == 1


@pytest.mark.parametrize("change", ["amount", "order", "atomic", "fewer", "item's key"])
def test_a_key_with_another_content_is_refused(teller: ApiClient, change: str) -> None:
    ada = make_account(balance=5)
    items = [item("DEPOSIT", ada, "2.50"), item("WITHDRAW", ada, "7")]
    post(teller, *items, **KEY)
    others = {
        "amount": [items[0], item("WITHDRAW", ada, "7.01")],
        "order": items[::-1],
        "fewer": items[:1],
        "item's key": [items[0], keyed("WITHDRAW", ada, "7", "k")],
    }.get(change, items)
    with nothing_changes():
        response = post(teller, *others, atomic=change == "atomic", **KEY)
    assert_problem(response, "idempotency_key_reused", REUSED)


def test_the_same_content_in_other_words_is_the_same(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    post(teller, item("DEPOSIT", ada, "2.5"), **KEY)
    upper = item("DEPOSIT", ada, "2.50") | {"account_id": str(ada.id).upper()}
    assert post(teller, upper, **KEY)[REPLAYED] == "true"


def test_an_item_is_done_once_wherever_it_comes_again(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    one = keyed("DEPOSIT", ada, "2", "item-1", description="Cash")
    body = {"amount": "2", "description": "Cash"}
    alone = teller.post(
        account_path(ada, "deposit"), body, headers={"Idempotency-Key": "item-1"}
    ).json()
    results = post(teller, one, item("DEPOSIT", ada, "4")).json()["results"]
    assert [(each["replayed"], each["balance_after"]) for each in results] == [
        (True, "7.00"),
        (False, "11.00"),
    ]
    assert results[0]["transaction_id"] == alone["transaction_id"]
    # And the other way round.
    other = post(teller, keyed("WITHDRAW", ada, "1", "item-2")).json()["results"][0]
    again = teller.post(
        account_path(ada, "withdraw"), {"amount": "1"}, headers={"Idempotency-Key": "item-2"}
    )
    assert (again.json()["transaction_id"], again[REPLAYED]) == (other["transaction_id"], "true")
    assert balances(ada) == [10]


def test_a_batch_of_known_items_and_a_key_is_answered_again(teller: ApiClient) -> None:
    """Items done before do not belong to the new batch; their keys find them."""
    ada = make_account(balance=5)
    post(teller, keyed("DEPOSIT", ada, "2", "item-1"))
    items = [item("DEPOSIT", ada, "4"), keyed("DEPOSIT", ada, "2", "item-1")]
    first = post(teller, *items, **KEY).json()
    again = post(teller, *items, **KEY).json()
    assert [each["transaction_id"] for each in again["results"]] == [
        each["transaction_id"] for each in first["results"]
    ]
    assert again["batch_id"] == first["batch_id"]
    assert balances(ada) == [11]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_key_that_means_something_else_is_named_by_its_item(
    teller: ApiClient, atomic: bool
) -> None:
    ada = make_account(balance=5)
    post(teller, keyed("DEPOSIT", ada, "2", "item-1"), **KEY)
    body = {"name": "Bob"}
    opened = teller.post(f"{API}accounts/", body, headers={"Idempotency-Key": "account-1"})
    assert opened.status_code == 201
    for taken in ("item-1", "account-1", "batch-1"):
        with nothing_changes():
            response = post(
                teller,
                item("DEPOSIT", ada, "4"),
                keyed("DEPOSIT", ada, "3", taken),
                atomic=atomic,
            )
        assert_problem(response, "idempotency_key_reused", REUSED, index=1)


@pytest.mark.parametrize("queued", [True, False])
def test_the_key_of_a_batch_is_no_other_request_s(teller: ApiClient, queued: bool) -> None:
    ada = make_account(balance=5)
    prefer = {"Prefer": "respond-async"} if queued else {}
    taken = {"Idempotency-Key": "taken"}
    teller.post(account_path(ada, "deposit"), {"amount": "1"}, headers=taken)
    with nothing_changes():
        response = post(teller, item("DEPOSIT", ada, "1"), Idempotency_Key="taken", **prefer)
    assert_problem(response, "idempotency_key_reused", REUSED)
    assert post(teller, item("DEPOSIT", ada, "1"), **KEY, **prefer).status_code in (200, 202)
    for path, body in (
        (account_path(ada, "deposit"), {"amount": "1"}),
        (f"{API}accounts/", {"name": "Bob"}),
    ):
        with nothing_changes():
            response = teller.post(path, body, headers={"Idempotency-Key": "batch-1"})
        assert_problem(response, "idempotency_key_reused", REUSED)


def test_an_atomic_batch_accepts_completed_replays_only(teller: ApiClient, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    ada = make_account(balance=5)
    done, refused, waiting = (
        keyed("DEPOSIT", ada, "2", "done"),
        keyed("WITHDRAW", ada, "50", "refused"),
        keyed("DEPOSIT", ada, "100", "waiting"),
    )
    post(teller, done, refused, waiting)
    body = post(teller, done, item("DEPOSIT", ada, "1"), atomic=True).json()
    assert [each["replayed"] for each in body["results"]] == [True, False]
    for replay, code in ((refused, "insufficient_funds"), (waiting, "invalid_transition")):
        with nothing_changes():
            response = post(teller, item("DEPOSIT", ada, "1"), replay, atomic=True)
        assert (response.json()["code"], response.json()["index"]) == (code, 1)
    assert balances(ada) == [8]


def test_the_same_key_twice_in_a_batch_is_a_mistake(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    twice = keyed("DEPOSIT", ada, "2", "k")
    with nothing_changes():
        response = post(teller, twice, item("DEPOSIT", ada, "2"), twice, twice)
    assert bad_fields(response) == [
        (f"/transactions/{index}/idempotency_key", "repeated") for index in (2, 3)
    ]


@pytest.mark.parametrize("how", ["?dry_run=true", "", "respond-async"])
def test_the_key_of_the_batch_is_no_key_of_an_item(teller: ApiClient, how: str) -> None:
    ada = make_account(balance=5)
    items = [item("DEPOSIT", ada, "1"), keyed("DEPOSIT", ada, "2", "batch-1")]
    prefer = {"Prefer": how} if how == "respond-async" else {}
    query = how if "?" in how else ""
    with nothing_changes():
        response = post(teller, *items, query=query, **KEY, **prefer)
    assert bad_fields(response) == [("/transactions/1/idempotency_key", "repeated")]


@pytest.mark.parametrize("key", [{}, KEY])
def test_two_twins_at_once_are_done_once(teller: ApiClient, key: dict[str, str]) -> None:
    ada, bob = make_account(balance=500), make_account(balance=500)
    items = [keyed("TRANSFER", ada, "1", f"a-{i}", target=bob) for i in range(40)]
    results = in_threads(teller, [(items, key)] * 4)
    assert {response.status_code for response in results} == {200}
    assert len({str([e["transaction_id"] for e in r.json()["results"]]) for r in results}) == 1
    assert balances(ada, bob) == [460, 540]
    assert Batch.objects.filter(idempotency_key__isnull=False).count() == len(key)


def test_batches_in_opposite_orders_do_not_wait_for_each_other_for_ever(
    teller: ApiClient,
) -> None:
    accounts = [make_account(balance=100) for _ in range(8)]
    there = [item("TRANSFER", a, "1", target=b) for a, b in pairwise(accounts)]
    back = [item("TRANSFER", b, "1", target=a) for a, b in pairwise(accounts)][::-1]
    responses = in_threads(teller, [(there, {}), (back, {})] * 6)
    assert {response.status_code for response in responses} == {200}
    assert {response.json()["failed"] for response in responses} == {0}
    assert balances(*accounts) == [100] * 8
    assert Transaction.objects.filter(type="TRANSFER", status="COMPLETED").count() == 12 * 7


def test_two_batches_that_share_one_key_of_an_item_share_its_transaction(
    teller: ApiClient,
) -> None:
    """With different accounts otherwise, so that the key's lock is the only one in common."""
    shared, others = make_account(), [make_account() for _ in range(4)]
    batches = [
        ([keyed("DEPOSIT", shared, "3", "shared"), item("DEPOSIT", other, "1")], {})
        for other in others
    ]
    responses = in_threads(teller, batches)
    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["results"][0]["transaction_id"] for response in responses}) == 1
    assert balances(shared, *others) == [3, 1, 1, 1, 1]


def in_threads(client: ApiClient, batches: list[tuple[list[Any], dict[str, str]]]) -> list[Any]:
    """Posts all batches at once; returns the responses."""

    def send(batch: tuple[list[Any], dict[str, str]]) -> Any:
        items, headers = batch
        own = ApiClient()
        own.cookies = client.cookies
        try:
            return post(own, *items, **headers)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(send, batches))
