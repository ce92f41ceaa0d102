"""Bad batches: the error points at each bad item, and nothing is done."""

import json
from typing import Any

import pytest

from core.api.idempotency import fingerprint
from tests.api import API, ApiClient, bad_fields, staff
from tests.assertions import nothing_changes
from tests.factories import make_account
from tests.test_bad_input import NO_AMOUNTS, NO_NUMBERS, ZEROS
from transactions.api.batch_views import MAX_BATCH_BYTES
from transactions.batches.input import read_items
from transactions.tests.api.test_api_batch import PATH, item, post

pytestmark = pytest.mark.django_db

MISSING = object()


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def send(client: ApiClient, body: str) -> Any:
    with nothing_changes():
        return client.post_raw(PATH, body.encode())


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ("", "/transactions", "required"),
        (" ", "", "invalid_json"),
        ("null", "", "not_an_object"),
        ("[]", "", "not_an_object"),
        ("{}", "/transactions", "required"),
        ('{"transactions": null}', "/transactions", "not_a_list"),
        ('{"transactions": {}}', "/transactions", "not_a_list"),
        ('{"transactions": []}', "/transactions", "empty"),
        ('{"transactions": [5]}', "/transactions/0", "not_an_object"),
        ('{"transactions": [[]]}', "/transactions/0", "not_an_object"),
        ('{"transactions": [null]}', "/transactions/0", "not_an_object"),
        ('{"transactions": [{}], "atomic": 1}', "/atomic", "invalid"),
        ('{"transactions": [{}], "atomic": "true"}', "/atomic", "invalid"),
        ('{"transactions": [{}], "atomic": null}', "/atomic", "invalid"),
        ('{"transactions": [{}], "~/": null}', "/~0~1", "unknown_field"),
        ('{"transactions": [{}], "transactions": [{}]}', "", "invalid_json"),
        ('{"transactions": [{"a": 1, "a": 1}]}', "", "invalid_json"),
    ],
)
def test_a_body_of_another_shape(teller: ApiClient, body: str, pointer: str, code: str) -> None:
    assert bad_fields(send(teller, body)) == [(pointer, code)]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"type": MISSING}, "type", "required"),
        ({"type": "deposit"}, "type", "invalid_choice"),
        ({"type": "REVERSAL"}, "type", "invalid_choice"),
        ({"type": ["DEPOSIT"]}, "type", "invalid_choice"),
        ({"type": None}, "type", "null"),
        ({"account_id": MISSING}, "account_id", "required"),
        ({"account_id": None}, "account_id", "null"),
        ({"account_id": 7}, "account_id", "invalid"),
        ({"account_id": {}}, "account_id", "invalid"),
        ({"account_id": "019ab0c46d2e7a4180003f5e0c9d1b27"}, "account_id", "invalid"),
        ({"target_account_id": "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"}, "target_account_id",
         "unknown_field"),
        ({"type": "TRANSFER"}, "target_account_id", "required"),
        ({"type": "TRANSFER", "target_account_id": None}, "target_account_id", "required"),
        ({"amount": "3.000"}, "amount", "too_many_decimals"),
        ({"type": "TRANSFER", "target_account_id": "x"}, "target_account_id", "invalid"),
        ({"amount": MISSING}, "amount", "required"),
        ({"amount": "0.001"}, "amount", "too_many_decimals"),
        ({"amount": "100000000000.01"}, "amount", "amount_too_large"),
        ({"description": 7}, "description", "invalid"),
        ({"description": []}, "description", "invalid"),
        ({"description": "d" * 501}, "description", "max_length"),
        ({"description": "a\x00b"}, "description", "invalid_character"),
        ({"description": "a\u202eb"}, "description", "invalid_character"),
        ({"description": "a\nb"}, "description", "invalid_character"),
        ({"idempotency_key": 7}, "idempotency_key", "invalid"),
        ({"idempotency_key": ""}, "idempotency_key", "invalid_key"),
        ({"idempotency_key": "a b"}, "idempotency_key", "invalid_key"),
        ({"idempotency_key": "k" * 256}, "idempotency_key", "invalid_key"),
        ({"scheduled_for": "2031-01-31T09:30:00Z"}, "scheduled_for", "unknown_field"),
        ({"~/": 1}, "~0~1", "unknown_field"),
    ],
)  # fmt: skip
def test_a_bad_item_is_pointed_at(
    teller: ApiClient, change: dict[str, Any], pointer: str, code: str
) -> None:
    account = make_account(balance=5)
    good = item("DEPOSIT", account, "2")
    bad = {name: value for name, value in (good | change).items() if value is not MISSING}
    with nothing_changes():
        response = post(teller, good, bad, good)
    errors = bad_fields(response)
    assert errors == [(f"/transactions/1/{pointer}", code)]


@pytest.mark.slow
def test_a_bad_amount_is_refused(teller: ApiClient) -> None:
    account = make_account(balance=5)
    for amount in NO_NUMBERS + NO_AMOUNTS + ZEROS:
        one = item("DEPOSIT", account, "AMOUNT")
        body = json.dumps({"transactions": [one]}).replace('"AMOUNT"', amount)
        ((pointer, code),) = bad_fields(send(teller, body))
        expected = ("", "invalid_json") if amount in NO_NUMBERS else ("/transactions/0/amount",)
        assert (pointer, code)[: len(expected)] == expected, amount


def test_equal_numbers_of_other_types_are_no_amounts(teller: ApiClient) -> None:
    """In Python True equals 1, but the two must not share a cached result."""
    account = make_account(balance=5)
    amounts: list[Any] = [1, True, "1", False, 0.5]
    response = post(teller, *[item("DEPOSIT", account, amount) for amount in amounts])
    assert bad_fields(response) == [
        ("/transactions/1/amount", "invalid_amount"),
        ("/transactions/3/amount", "invalid_amount"),
    ]


def test_errors_that_depend_on_accounts_are_reported_together(teller: ApiClient) -> None:
    usd, jpy = make_account(balance=5), make_account(balance=500, currency="JPY")
    with nothing_changes():
        response = post(
            teller,
            item("DEPOSIT", usd, "1"),
            item("DEPOSIT", jpy, "1.5"),
            item("TRANSFER", usd, "1", target=usd),
            item("TRANSFER", usd, "1", target=jpy),
            item("DEPOSIT", usd, "0"),
        )
    assert bad_fields(response) == [
        ("/transactions/1/amount", "too_many_decimals"),
        ("/transactions/2/target_account_id", "same_account"),
        ("/transactions/3/target_account_id", "currency_mismatch"),
        ("/transactions/4/amount", "invalid_amount"),
    ]


@pytest.mark.parametrize("amount", ["-1", "0"])
def test_of_thousands_of_bad_items_the_first_hundred_are_told(
    teller: ApiClient, amount: str
) -> None:
    account = make_account()
    with nothing_changes():
        response = post(teller, *[item("DEPOSIT", account, amount)] * 5000)
    assert bad_fields(response) == [
        (f"/transactions/{index}/amount", "invalid_amount") for index in range(100)
    ]


@pytest.mark.parametrize("atomic", [True, False])
def test_a_bad_item_is_told_whatever_is_refused_before_it(teller: ApiClient, atomic: bool) -> None:
    account = make_account(balance=5)
    items = [item("DEPOSIT", account, "1"), item("WITHDRAW", account, "7"),
             item("DEPOSIT", account, "0.001")]  # fmt: skip
    with nothing_changes():
        response = post(teller, *items, atomic=atomic)
    assert bad_fields(response) == [("/transactions/2/amount", "too_many_decimals")]


def test_errors_come_in_the_order_of_the_items(teller: ApiClient) -> None:
    account = make_account()
    items = [
        item("DEPOSIT", account, "1", idempotency_key=""),
        item("DEPOSIT", account, "x"),
        item("NOTHING", account, "1"),
    ]
    assert [pointer for pointer, _ in bad_fields(post(teller, *items))] == [
        "/transactions/0/idempotency_key",
        "/transactions/1/amount",
        "/transactions/2/type",
    ]


def test_four_megabytes_are_taken_by_this_route_alone(teller: ApiClient) -> None:
    account = make_account()
    body = json.dumps({"transactions": [item("DEPOSIT", account, "1")]})
    padded = body + " " * (MAX_BATCH_BYTES - len(body))
    assert teller.post_raw(PATH, padded.encode()).status_code == 200
    response = send(teller, padded + " ")
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    response = teller.post_raw(f"{API}accounts/", padded.encode())
    assert response.status_code == 413


@pytest.mark.parametrize("query", ["?dry_run=yes", "?dry_run=1", "?dry_run=", "?dryrun=true"])
def test_a_misspelt_dry_run_is_not_taken_for_earnest(teller: ApiClient, query: str) -> None:
    account = make_account()
    with nothing_changes():
        response = post(teller, item("DEPOSIT", account, "1"), query=query)
    assert response.status_code == 400


def test_the_fingerprint_of_an_item_is_that_of_the_same_movement_by_itself() -> None:
    account, target = make_account(), make_account()
    one = item("TRANSFER", account, "1.50", target=target, description="Rent", idempotency_key="k")
    (command,) = read_items([one], atomic=False).commands
    assert command.request_fingerprint == fingerprint(
        "transfer",
        {
            "account_id": account.id,
            "target_account_id": target.id,
            "amount": command.amount,
            "description": "Rent",
        },
    )
