"""A customer sees their own accounts, and their own side of the payments they make or receive."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import CASH, Account, internal_account_id
from tests.api import API, ApiClient, account_path, client_of, make_user
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Transaction, TransactionEvent
from transactions.states import TransactionStatus

pytestmark = pytest.mark.django_db

PATH = f"{API}transactions/"


class Town:
    """Ada has two accounts, Bob has one; both are logged-in customers."""

    def __init__(self) -> None:
        ada, bob = make_user("ada"), make_user("bob")
        self.ada, self.bob = client_of(ada), client_of(bob)
        self.purse = make_account(balance=100, owner_id=ada.id, name="purse")
        self.safe = make_account(balance=7, owner_id=ada.id, name="safe")
        self.shop = make_account(balance=30, owner_id=bob.id, name="shop")

    def pay(self, source: Account, target: Account, amount: str) -> Transaction:
        command = Transfer(
            account_id=source.id, target_account_id=target.id, amount=Decimal(amount)
        )
        return Transaction.objects.get(pk=run(command).id)


@pytest.fixture
def town() -> Town:
    return Town()


def ids(client: ApiClient, path: str) -> list[str]:
    body = client.get(path).json()
    return [row.get("transaction_id") or row["account_id"] for row in body["results"]]


def test_a_customer_lists_the_own_accounts_only(town: Town) -> None:
    make_account(name="nobody's")
    assert ids(town.ada, f"{API}accounts/") == [str(town.safe.id), str(town.purse.id)]
    assert ids(town.bob, f"{API}accounts/") == [str(town.shop.id)]
    assert ids(client_of(make_user("eve")), f"{API}accounts/") == []
    found = f"{API}accounts/?search={town.shop.number}"
    assert (ids(town.ada, found), ids(town.bob, found)) == ([], [str(town.shop.id)])


def without_ids(response: Any, *unknown: UUID) -> tuple[Any, ...]:
    """The whole response, except for the requested id."""
    text = response.content.decode()
    for identifier in unknown:
        text = text.replace(str(identifier), "")
    headers = {name: value for name, value in response.items() if name != "Content-Length"}
    return response.status_code, text, headers


def test_anothers_account_answers_as_a_missing_one_does(town: Town) -> None:
    missing = uuid4()
    nobodys, cash = make_account().id, internal_account_id(CASH, "USD")
    transfer = {"target_account_id": str(town.safe.id), "amount": "5"}
    for hidden in (town.shop.id, nobodys, cash):
        for action in ("", "transactions", "entries", "balance"):
            found = town.ada.get(account_path(hidden, action))
            absent = town.ada.get(account_path(missing, action))
            assert found.status_code == 404
            assert without_ids(found, hidden) == without_ids(absent, missing)
        found = town.ada.post(account_path(hidden, "transfer"), transfer)
        absent = town.ada.post(account_path(missing, "transfer"), transfer)
        assert found.status_code == 404
        assert without_ids(found, hidden) == without_ids(absent, missing)
        # A bad body reveals nothing more.
        found = town.ada.post(account_path(hidden, "transfer"), {"amount": "x"})
        assert without_ids(found, hidden) == without_ids(absent, missing)
    own = town.ada.get(f"{PATH}?account={town.shop.id}")
    assert own.json() == town.ada.get(f"{PATH}?account={missing}").json()
    assert own.json()["results"] == []


def test_anothers_transaction_answers_as_a_missing_one_does(town: Town) -> None:
    missing = uuid4()
    withdrawn = run(Withdraw(account_id=town.shop.id, amount=Decimal(4)))
    refused = town.pay(town.shop, town.purse, "1000")
    assert refused.status == "FAILED"
    for hidden in (withdrawn.id, refused.id):
        found, absent = town.ada.get(f"{PATH}{hidden}/"), town.ada.get(f"{PATH}{missing}/")
        assert found.status_code == 404
        assert without_ids(found, hidden) == without_ids(absent, missing)
        assert town.bob.get(f"{PATH}{hidden}/").status_code == 200


def test_each_side_sees_the_own_balance_and_entry(town: Town) -> None:
    row = town.pay(town.purse, town.shop, "12.5")
    for client, account, side, amount, balance in (
        (town.ada, town.purse, "DEBIT", "-12.50", "87.50"),
        (town.bob, town.shop, "CREDIT", "12.50", "42.50"),
    ):
        details = client.get(f"{PATH}{row.id}/").json()
        listed = client.get(PATH).json()["results"][0]
        history = client.get(account_path(account, "transactions")).json()["results"][0]
        for shown in (details, listed, history):
            assert (shown["transaction_id"], shown["balance_after"]) == (str(row.id), balance)
            assert (shown["account_id"], shown["target_account_id"]) == (
                str(town.purse.id),
                str(town.shop.id),
            )
        (entry,) = details["entries"]
        assert (entry["account_id"], entry["side"], entry["amount"], entry["balance_after"]) == (
            str(account.id),
            side,
            amount,
            balance,
        )
        assert entry == client.get(account_path(account, "entries")).json()["results"][0]


def test_between_own_accounts_each_history_has_its_own_balance(town: Town) -> None:
    row = town.pay(town.purse, town.safe, "25")
    details = town.ada.get(f"{PATH}{row.id}/").json()
    assert [entry["side"] for entry in details["entries"]] == ["CREDIT", "DEBIT"]
    assert details["balance_after"] == "75.00"
    assert ids(town.ada, PATH).count(str(row.id)) == 1
    for account, direction, balance in (
        (town.purse, "debit", "75.00"),
        (town.safe, "credit", "32.00"),
    ):
        shown = town.ada.get(account_path(account, "transactions")).json()["results"][0]
        assert (shown["direction"], shown["balance_after"]) == (direction, balance)


def test_the_cash_side_of_a_deposit_is_nobodys_business(town: Town) -> None:
    row = run(Deposit(account_id=town.purse.id, amount=Decimal(3)))
    details = town.ada.get(f"{PATH}{row.id}/")
    assert [entry["account_id"] for entry in details.json()["entries"]] == [str(town.purse.id)]
    assert str(internal_account_id(CASH, "USD")) not in details.content.decode()


def waiting(town: Town) -> Transaction:
    """A queued transfer from Ada to Bob. No route makes one yet."""
    return Transaction.objects.create(
        id=uuid4(),
        type="TRANSFER",
        status=TransactionStatus.PENDING,
        debit_account=town.purse,
        credit_account=town.shop,
        amount=Decimal(5),
        currency="USD",
        effective_at=town.shop.created_at,
        created_at=town.shop.created_at,
        updated_at=town.shop.created_at,
    )


def test_who_is_paid_sees_nothing_before_it_is_completed(town: Town) -> None:
    for row in (waiting(town), town.pay(town.purse, town.shop, "1000")):
        assert row.status in ("PENDING", "FAILED")
        history = account_path(town.shop, "transactions")
        for path in (PATH, f"{PATH}?account={town.shop.id}", history):
            for query in ("", f"status={row.status}", "type=TRANSFER"):
                url = f"{path}{'&' if '?' in path else '?'}{query}".rstrip("?&")
                assert str(row.id) not in ids(town.bob, url)
        assert town.bob.get(f"{PATH}{row.id}/").status_code == 404
        assert str(row.id) in ids(town.ada, PATH)
        assert str(row.id) in ids(town.ada, account_path(town.purse, "transactions"))
        assert town.ada.get(f"{PATH}{row.id}/").json()["entries"] == []


def test_what_fails_between_own_accounts_is_in_both_histories(town: Town) -> None:
    row = town.pay(town.purse, town.safe, "1000")
    for account in (town.purse, town.safe):
        assert str(row.id) in ids(town.ada, account_path(account, "transactions"))


def test_events_are_for_staff(town: Town) -> None:
    row = town.pay(town.purse, town.shop, "1000")
    TransactionEvent.objects.create(
        id=uuid4(),
        transaction=row,
        event="retried",
        from_status="FAILED",
        to_status="PENDING",
        reason="Not for customers",
        at=row.created_at,
    )
    details = town.ada.get(f"{PATH}{row.id}/")
    assert details.json()["events"] == []
    auditor = client_of(make_user("auditor", role="auditor"))
    assert len(auditor.get(f"{PATH}{row.id}/").json()["events"]) == 1


def test_a_customer_of_many_accounts_sees_the_same_list(town: Town) -> None:
    """Beyond 50 accounts the list is read in another way."""
    paid = town.pay(town.shop, town.safe, "2")
    hidden = town.pay(town.shop, town.safe, "1000")
    before = town.ada.get(PATH).json()
    for _ in range(50):
        make_account(owner_id=town.purse.owner_id)
    after = town.ada.get(PATH).json()
    assert after == before
    listed = [row["transaction_id"] for row in after["results"]]
    assert str(paid.id) in listed
    assert str(hidden.id) not in listed


def test_rights_of_someone_who_is_no_staff_count_for_nothing(town: Town) -> None:
    eve = make_user("eve", role="supervisor", is_staff=False)
    client = client_of(eve)
    assert ids(client, f"{API}accounts/") == []
    assert client.get(account_path(town.purse)).status_code == 404
    assert client.post(account_path(town.purse, "close"), {"reason": "x"}).status_code == 403
