"""A key belongs to one request: different content under it is refused, the same content is not."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from accounts.commands import OpenAccount
from accounts.models import Account
from accounts.serializers import OpenAccountBody, ReasonBody
from core.api.fields import rfc_3339
from core.api.idempotency import fingerprint
from core.api.serializers import StrictSerializer
from core.commands import Origin
from tests.api import API, ApiClient, account_path, problem, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, make_customer, run
from transactions.api.bodies import AmountBody, TransferBody
from transactions.batches.input import COLUMNS
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Deposit

pytestmark = pytest.mark.django_db

_TOMORROW = timezone.now() + timedelta(days=1)
_YESTERDAY = timezone.now() - timedelta(days=1)
_DATES = (rfc_3339(_YESTERDAY), rfc_3339(_YESTERDAY + timedelta(seconds=1)))
MONEY = {
    "amount": ("5.00", "5.01"),
    "description": ("Rent", "rent"),
    "scheduled_for": (rfc_3339(_TOMORROW), rfc_3339(_TOMORROW + timedelta(seconds=1))),
    "effective_at": _DATES,
}
# The client may not set the value date of a scheduled transaction.
_NOT_TOGETHER = ("scheduled_for", "effective_at")
# The body of each route that takes a key, with two values for each field. `other` and `third` stand
# for accounts; as a customer, a user name stands for the user's customer.
BODIES: dict[str, tuple[type[StrictSerializer], dict[str, tuple[Any, Any]]]] = {
    "deposit": (AmountBody, MONEY),
    "withdraw": (AmountBody, MONEY),
    "transfer": (TransferBody, MONEY | {"target_account_id": ("other", "third")}),
    "open": (
        OpenAccountBody,
        {
            "name": ("Ada", "Bob"),
            "initial_balance": ("5.00", "5.01"),
            "currency": ("EUR", "CHF"),
            "owner": ("ada", "bob"),
            "customer": ("ada", "bob"),
            "overdraft_limit": ("5.00", "5.01"),
            "metadata": ({"a": "b"}, {"a": "c"}),
        },
    ),
    "reverse": (ReasonBody, {"reason": ("Mistake", "mistake")}),
}
ITEM: dict[str, tuple[Any, Any]] = {
    "type": ("TRANSFER", "DEPOSIT"),
    "account_id": ("account", "third"),
    "target_account_id": ("other", "third"),
    "amount": ("5.00", "5.01"),
    "description": ("Rent", "rent"),
    "effective_at": _DATES,
    "idempotency_key": ("item-1", "item-2"),
}
# The value that a missing field, or null, stands for.
DEFAULTS: dict[str, Any] = {
    "description": "",
    "initial_balance": "0",
    "overdraft_limit": "0.00",
    "currency": "USD",
    "metadata": {},
}


class Bank:
    def __init__(self) -> None:
        self.client: ApiClient = staff("supervisor")
        self.customers = {name: make_customer(user=name) for name in ("ada", "bob")}
        self.account, self.other, self.third = (make_account(balance=100) for _ in range(3))
        self.paid = deposit(self.account, 7).id

    def filled(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, with ids in place of the words that stand for accounts and customers."""
        accounts = {name: str(getattr(self, name).id) for name in ("account", "other", "third")}
        customers = {name: str(customer.id) for name, customer in self.customers.items()}

        def one(name: str, value: Any) -> Any:
            if name == "customer":
                return customers.get(value)
            return accounts.get(value, value) if name.endswith("account_id") else value

        return {name: one(name, value) for name, value in members.items()}

    def path(self, route: str, account: Account | None = None) -> str:
        if route == "open":
            return f"{API}accounts/"
        if route == "reverse":
            return f"{API}transactions/{self.paid}/reverse/"
        return account_path(account or self.account, route)

    def send(self, path: str, members: Mapping[str, Any], key: str = "key") -> Any:
        headers = {"Idempotency-Key": key}
        return self.client.post(path, self.filled(members), headers=headers)


@pytest.fixture
def bank(settings: Any) -> Bank:
    settings.BANK_BACKDATE_DAYS = 7
    return Bank()


def assert_reused(response: Any) -> None:
    detail = "This key was used for another request. Use a new one."
    assert response.status_code == 422
    assert response.json() == problem("idempotency_key_reused", detail)


def base_of(route: str, without: str = "") -> dict[str, Any]:
    return {name: values[0] for name, values in BODIES[route][1].items() if name != without}


def optional_of(route: str) -> list[str]:
    return [name for name, field in BODIES[route][0]().fields.items() if not field.required]


# A commit settles the key of a queued request, so the test must commit.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("without", _NOT_TOGETHER)
@pytest.mark.parametrize("route", BODIES)
def test_a_change_of_any_member_is_another_request(bank: Bank, route: str, without: str) -> None:
    serializer, members = BODIES[route]
    assert serializer().fields.keys() == members.keys(), "A member is missing in this walk."
    base = base_of(route, without)
    first = bank.send(bank.path(route), base)
    assert first.status_code in (200, 201, 202), first.json()
    with nothing_changes():
        for name in base:
            assert_reused(bank.send(bank.path(route), base | {name: members[name][1]}))
        for name in base.keys() & optional_of(route):
            fewer = {other: value for other, value in base.items() if other != name}
            assert_reused(bank.send(bank.path(route), fewer))
        again = bank.send(bank.path(route), base)
    assert (again.status_code, again["Idempotent-Replayed"]) == (first.status_code, "true")


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer"])
def test_another_account_or_operation_is_another_request(bank: Bank, route: str) -> None:
    base = {"amount": "5.00"} | ({"target_account_id": "other"} if route == "transfer" else {})
    assert bank.send(bank.path(route), base).status_code == 200
    with nothing_changes():
        assert_reused(bank.send(bank.path(route, bank.third), base))
        for other in {"deposit", "withdraw"} - {route}:
            assert_reused(bank.send(bank.path(other), {"amount": "5.00"}))
        assert_reused(bank.send(bank.path("open"), {"name": "Ada"}))
        assert_reused(bank.send(bank.path("reverse"), {"reason": "Mistake"}))


@pytest.mark.parametrize("route", ["deposit", "withdraw", "transfer", "open"])
def test_unset_null_and_default_are_the_same_content(bank: Bank, route: str) -> None:
    """Each way to leave a field unset finds what every other way has stored."""
    base = {name: value for name, value in base_of(route).items() if name not in optional_of(route)}
    for name in optional_of(route):
        ways = [base, base | {name: None}]
        ways += [base | {name: DEFAULTS[name]}] if name in DEFAULTS else []
        for index, stored in enumerate(ways):
            key = f"{name}-{index}"
            first = bank.send(bank.path(route), stored, key)
            assert first.status_code in (200, 201), (name, first.json())
            with nothing_changes():
                for again in ways:
                    replay = bank.send(bank.path(route), again, key)
                    assert replay.status_code == first.status_code, (name, stored, again)
                    assert replay["Idempotent-Replayed"] == "true"


def test_null_fields_of_a_response_may_be_sent_as_null(bank: Bank) -> None:
    item = {"type": "DEPOSIT", "account_id": "account", "amount": "5"}
    names = ("target_account_id", "description", "effective_at", "idempotency_key")
    nulls = dict.fromkeys(names)
    assert nulls.keys() == {column.name for column in COLUMNS if not column.required}
    body = {"transactions": [bank.filled(item | nulls)]}
    response = bank.client.post(f"{API}transactions/batch/", body)
    assert response.json()["results"][0]["status"] == "COMPLETED"


def test_keys_of_earlier_releases_stay_valid(bank: Bank) -> None:
    """They included all that was sent in the fingerprint, even an empty description and a null
    owner.
    """
    user = get_user_model().objects.get(username="supervisor")
    origin = Origin(user_id=user.pk, caller=f"user:{user.pk}")
    content = {"account_id": bank.account.id, "amount": Decimal(5), "description": ""}
    in_its_form = fingerprint("deposit", content)
    paid = Deposit(**content, idempotency_key="paid", request_fingerprint=in_its_form)
    opening = {"name": "Ada", "owner": None, "metadata": {}, "overdraft_limit": Decimal(0)}
    opened = OpenAccount(
        name="Ada",
        currency="USD",
        idempotency_key="opened",
        request_fingerprint=fingerprint("open account", opening),
    )
    paid_id, account_id = run(paid, origin).id, run(opened, origin).id
    digest = hashlib.sha256(f"{in_its_form} \n".encode()).hexdigest()
    batch = post_batch(BatchRequest([Deposit(**content)], False, "batch", digest), origin).batch
    body = {"amount": "5.00", "description": ""}
    item = body | {"type": "DEPOSIT", "account_id": str(bank.account.id)}
    with nothing_changes():
        replays = [
            bank.send(bank.path("deposit"), body, "paid"),
            bank.send(bank.path("open"), opening | {"overdraft_limit": "0"}, "opened"),
            bank.send(f"{API}transactions/batch/", {"transactions": [item]}, "batch"),
        ]
        keyed = {"transactions": [item | {"idempotency_key": "paid"}]}
        in_batch = bank.client.post(f"{API}transactions/batch/", keyed).json()
    assert [replay["Idempotent-Replayed"] for replay in replays] == ["true"] * 3
    assert replays[0].json()["transaction_id"] == str(paid_id)
    assert replays[1].json()["account_id"] == str(account_id)
    assert replays[2].json()["batch_id"] == str(batch.id)
    assert in_batch["results"][0]["transaction_id"] == str(paid_id)


def test_a_change_in_a_batch_is_another_batch(bank: Bank) -> None:
    assert ITEM.keys() == {column.name for column in COLUMNS}, "A member is missing in this walk."
    item = {name: values[0] for name, values in ITEM.items()}
    path = f"{API}transactions/batch/"

    def post(*items: Mapping[str, Any], atomic: bool = True) -> Any:
        sent = {"atomic": atomic, "transactions": [bank.filled(one) for one in items]}
        return bank.client.post(path, sent, headers={"Idempotency-Key": "batch"})

    assert post(item).status_code == 200
    with nothing_changes():
        for name, (_, changed) in ITEM.items():
            other = item | {name: changed}
            if name == "type":
                del other["target_account_id"]
            assert_reused(post(other))
        for name in ("description", "effective_at", "idempotency_key"):
            assert_reused(post(item | {name: None}))
        assert_reused(post(item, item | {"idempotency_key": "item-2"}))
        assert_reused(post(item, atomic=False))
        assert post(item)["Idempotent-Replayed"] == "true"
