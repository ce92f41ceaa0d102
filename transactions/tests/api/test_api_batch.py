"""`transactions/batch/`: many movements in one request, independent or atomic."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import FreezeAccount
from accounts.models import Account
from core.money import MAX_BALANCE
from tests.api import (
    API,
    ApiClient,
    account_path,
    assert_problem,
    bad_fields,
    client_without_login_queries,
    make_user,
    staff,
)
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.models import Batch, Transaction
from transactions.tests.past_the_ledger import holding
from transactions.tests.queueing import work

# A commit settles the keys, so the tests must commit.
pytestmark = pytest.mark.django_db(transaction=True)

PATH = f"{API}transactions/batch/"
REPLAYED = "Idempotent-Replayed"
FUNDS = {"code": "insufficient_funds", "retryable": True}


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def item(kind: str, account: Account, amount: str, **members: Any) -> dict[str, Any]:
    target = members.pop("target", None)
    if target is not None:
        members["target_account_id"] = str(target.id)
    return {"type": kind, "account_id": str(account.id), "amount": amount, **members}


def post(client: Any, *items: Any, atomic: bool = False, query: str = "", **headers: str) -> Any:
    body = {"atomic": atomic, "transactions": list(items)}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(PATH + query, body, headers=named)


def balances(*accounts: Account) -> list[Decimal | None]:
    return [Account.objects.get(pk=account.pk).balance for account in accounts]


def shown(body: Any) -> list[tuple[Any, ...]]:
    """Status, balance and failure code of each result."""
    return [
        (each["status"], each["balance_after"], (each["failure"] or {}).get("code"))
        for each in body["results"]
    ]


def test_each_item_has_its_result_and_later_ones_see_what_earlier_ones_did(
    teller: ApiClient,
) -> None:
    ada, bob = make_account(balance=5), make_account()
    response = post(
        teller,
        item("WITHDRAW", ada, "7.25"),
        item("DEPOSIT", ada, "10.50", description="Cash"),
        item("TRANSFER", ada, "15.25", target=bob),
        item("WITHDRAW", bob, "15.00"),
        item("TRANSFER", ada, "0.26", target=bob),
    )
    assert response.status_code == 200
    body = response.json()
    batch = Batch.objects.get()
    rows = list(Transaction.objects.filter(batch=batch).order_by("batch_index"))
    assert [row.batch_index for row in rows] == [0, 1, 2, 3, 4]
    assert sorted(rows, key=lambda row: row.id) == rows
    assert body == {
        "batch_id": str(batch.id),
        "atomic": False,
        "completed": 3,
        "failed": 2,
        "pending": 0,
        "results": [
            {
                "index": index,
                "transaction_id": str(rows[index].id),
                "status": status,
                "balance_after": balance,
                "failure": failure,
                "replayed": False,
            }
            for index, (status, balance, failure) in enumerate(
                [
                    ("FAILED", None, FUNDS | {"detail": "5.00 USD available, 7.25 USD needed."}),
                    ("COMPLETED", "15.50", None),
                    ("COMPLETED", "0.25", None),
                    ("COMPLETED", "0.25", None),
                    ("FAILED", None, FUNDS | {"detail": "0.25 USD available, 0.26 USD needed."}),
                ]
            )
        ],
    }
    assert balances(ada, bob) == [Decimal("0.25"), Decimal("0.25")]
    assert rows[1].description == "Cash"
    assert rows[0].created_by_id is not None
    assert (batch.atomic, batch.refused_index, batch.caller) == (
        False,
        None,
        f"user:{rows[0].created_by_id}",
    )


def test_an_atomic_batch_is_done_as_a_whole(teller: ApiClient) -> None:
    ada, bob = make_account(balance=5), make_account()
    response = post(
        teller,
        item("TRANSFER", ada, "5", target=bob),
        item("WITHDRAW", bob, "2"),
        atomic=True,
    )
    assert response.status_code == 200
    assert shown(response.json()) == [("COMPLETED", "0.00", None), ("COMPLETED", "3.00", None)]
    assert balances(ada, bob) == [0, 3]
    assert Batch.objects.get().atomic


def test_the_first_refusal_of_an_atomic_batch_is_all_that_is_left(teller: ApiClient) -> None:
    ada, bob = make_account(balance=5), make_account()
    before = Transaction.objects.count()
    response = post(
        teller,
        item("TRANSFER", ada, "4", target=bob),
        item("WITHDRAW", ada, "2"),
        item("WITHDRAW", ada, "3"),
        atomic=True,
    )
    row = Transaction.objects.order_by("-id").first()
    assert row is not None
    assert_problem(
        response,
        "insufficient_funds",
        "1.00 USD available, 2.00 USD needed.",
        index=1,
        transaction_id=str(row.id),
        retryable=False,
    )
    assert Transaction.objects.count() == before + 1
    assert (row.status, row.batch_index, row.amount) == ("FAILED", 1, 2)
    batch = Batch.objects.get()
    assert (row.batch_id, batch.atomic, batch.refused_index) == (batch.id, True, 1)
    assert balances(ada, bob) == [5, 0]
    # The failure is final in every representation.
    one = teller.get(f"{API}transactions/{row.id}/").json()
    assert one["failure"]["retryable"] is False
    (listed,) = teller.get(f"{API}transactions/", {"status": "FAILED"}).json()["results"]
    assert listed["failure"]["retryable"] is False
    retry = teller.post(f"{API}transactions/{row.id}/retry/", {"reason": "Again"})
    assert retry.json()["code"] == "not_retryable"


def test_a_failure_of_an_item_that_stands_alone_can_be_retried(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    body = post(teller, item("WITHDRAW", ada, "7"), item("DEPOSIT", ada, "3")).json()
    path = f"{API}transactions/{body['results'][0]['transaction_id']}/retry/"
    retried = teller.post(path, {"reason": "There is enough now"})
    assert (retried.status_code, retried.json()["balance_after"]) == (200, "1.00")


def test_every_refusal_is_told(teller: ApiClient) -> None:
    frozen, closed = make_account(balance=5), make_account()
    rich = holding(MAX_BALANCE)
    run(FreezeAccount(account_id=frozen.id, reason="asked for"))
    staff("supervisor").post(account_path(closed, "close"), {"reason": "Moved away"})
    body = post(
        teller,
        item("WITHDRAW", frozen, "1"),
        item("DEPOSIT", closed, "1"),
        item("DEPOSIT", rich, "1"),
    ).json()
    assert [code for *_, code in shown(body)] == [
        "account_frozen",
        "account_closed",
        "balance_limit",
    ]
    assert [each["failure"]["retryable"] for each in body["results"]] == [True, False, True]


def test_an_amount_that_needs_approval_waits_or_refuses_the_whole(
    teller: ApiClient, settings: Any
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    ada = make_account(balance=5)
    items = [item("DEPOSIT", ada, "2"), item("DEPOSIT", ada, "100")]
    with nothing_changes():
        response = post(teller, *items, atomic=True)
    assert_problem(
        response,
        "approval_required",
        "A movement that needs approval cannot be in an atomic batch: send it by itself.",
        index=1,
    )
    assert Batch.objects.count() == 0
    body = post(teller, *items).json()
    assert shown(body) == [("COMPLETED", "7.00", None), ("PENDING", None, None)]
    assert (body["completed"], body["pending"]) == (1, 1)
    path = f"{API}transactions/{body['results'][1]['transaction_id']}/approve/"
    assert staff("supervisor").post(path, {}).json()["balance_after"] == "107.00"


@pytest.mark.parametrize("atomic", [True, False])
def test_an_unknown_account_is_named_by_its_item(teller: ApiClient, atomic: bool) -> None:
    ada, missing = make_account(balance=5), "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"
    to_nobody = item("TRANSFER", ada, "1") | {"target_account_id": missing}
    with nothing_changes():
        response = post(teller, item("DEPOSIT", ada, "2"), to_nobody, atomic=atomic)
    assert_problem(response, "not_found", f"There is no account {missing}.", index=1)
    cash = Account.objects.get(kind="INTERNAL")
    with nothing_changes():
        response = post(teller, item("DEPOSIT", cash, "2"), atomic=atomic)
    assert_problem(response, "not_found", f"There is no account {cash.id}.", index=0)


@pytest.mark.parametrize("role", [None, "auditor"])
def test_who_may_not_post_may_not_batch(role: str | None) -> None:
    user = make_user("somebody", role=role)
    account = make_account(balance=5, owner_id=user.pk)
    with nothing_changes():
        response = post(client_without_login_queries(user), item("WITHDRAW", account, "1"))
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


def test_it_can_wait_in_the_queue(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    items = [item("WITHDRAW", ada, "7"), item("DEPOSIT", ada, "3", idempotency_key="k")]
    response = post(teller, *items, Prefer="respond-async")
    assert (response.status_code, response["Preference-Applied"]) == (202, "respond-async")
    body = response.json()
    assert shown(body) == [("PENDING", None, None)] * 2
    assert body["pending"] == 2
    again = post(teller, items[1], Prefer="respond-async").json()["results"]
    assert [(each["transaction_id"], each["replayed"]) for each in again] == [
        (body["results"][1]["transaction_id"], True)
    ]
    assert Transaction.objects.filter(status="PENDING").count() == 2


def test_the_replay_of_a_settled_queued_batch_is_200(
    teller: ApiClient,
) -> None:
    """As for a single movement: 202 while it waits, 200 once it is settled."""
    ada = make_account(balance=5)
    items = [item("WITHDRAW", ada, "7"), item("DEPOSIT", ada, "3")]
    headers = {"Prefer": "respond-async", "Idempotency_Key": "queued"}
    assert [post(teller, *items, **headers).status_code for _ in range(2)] == [202, 202]
    assert work() == 2
    response = post(teller, *items, **headers)
    assert (response.status_code, "Preference-Applied" in response) == (200, False)
    assert shown(response.json()) == [
        ("FAILED", None, "insufficient_funds"),
        ("COMPLETED", "8.00", None),
    ]


def test_an_atomic_batch_is_never_queued(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    response = post(teller, item("DEPOSIT", ada, "3"), atomic=True, Prefer="respond-async")
    assert response.status_code == 200
    assert "Preference-Applied" not in response
    assert balances(ada) == [8]


def test_a_dry_run_says_what_would_be_and_leaves_nothing(teller: ApiClient) -> None:
    ada = make_account(balance=5)
    items = [
        item("DEPOSIT", ada, "3.50", idempotency_key="known"),
        item("WITHDRAW", ada, "9"),
        item("WITHDRAW", ada, "8", idempotency_key="new"),
    ]
    done = post(teller, items[0]).json()["results"][0]["transaction_id"]
    with nothing_changes():
        response = post(
            teller, *items, query="?dry_run=true", Prefer="respond-async", Idempotency_Key="b"
        )
    assert response.status_code == 200
    assert REPLAYED not in response
    assert response.json() == {
        "dry_run": True,
        "replays": None,
        "atomic": False,
        "completed": 2,
        "failed": 1,
        "pending": 0,
        "results": [
            {
                "index": index,
                "status": status,
                "balance_after": balance,
                "failure": failure,
                "replays": replays,
            }
            for index, (status, balance, failure, replays) in enumerate(
                [
                    ("COMPLETED", "8.50", None, done),
                    (
                        "FAILED",
                        None,
                        FUNDS | {"detail": "8.50 USD available, 9.00 USD needed."},
                        None,
                    ),
                    ("COMPLETED", "0.50", None, None),
                ]
            )
        ],
    }
    assert Batch.objects.count() == 1
    with nothing_changes():
        response = post(teller, *items, atomic=True, query="?dry_run=true")
    assert_problem(
        response,
        "insufficient_funds",
        "8.50 USD available, 9.00 USD needed.",
        index=1,
        retryable=False,
    )
    real = post(teller, *items, Idempotency_Key="b")
    assert (real.status_code, real.json()["completed"]) == (200, 2)
    with nothing_changes():
        known = post(teller, *items, query="?dry_run=true", Idempotency_Key="b").json()
    assert known["replays"] == real.json()["batch_id"]


def test_the_number_of_statements_does_not_depend_on_the_length(settings: Any) -> None:
    client = client_without_login_queries(make_user("tessa", role="teller"))
    accounts = [make_account(balance=5) for _ in range(6)]

    def statements(count: int, **headers: str) -> int:
        items = [
            item("TRANSFER", accounts[i % 6], "0.01", target=accounts[(i + 1) % 6])
            | ({"idempotency_key": f"{count}-{i}"} if headers else {})
            for i in range(count)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert post(client, *items, **headers).json()["completed"] == count
        return len(queries)

    assert statements(2) == statements(60)
    assert statements(3, Idempotency_Key="a") == statements(61, Idempotency_Key="b")
    assert statements(3, Idempotency_Key="a") == statements(61, Idempotency_Key="b")
    asynchronous = {"Prefer": "respond-async"}
    counted = []
    for count in (2, 60):
        with CaptureQueriesContext(connection) as queries:
            assert (
                post(
                    client, *[item("DEPOSIT", accounts[0], "1")] * count, **asynchronous
                ).status_code
                == 202
            )
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_the_batch_itself_is_inserted_where_its_database_needs_it(teller: ApiClient) -> None:
    """Last on PostgreSQL, where the insert takes locks.

    First on SQLite, which would otherwise scan the whole journal for each item, looking for rows
    with missing references.
    """
    ada = make_account()
    with CaptureQueriesContext(connection) as queries:
        post(teller, item("DEPOSIT", ada, "3"), item("DEPOSIT", ada, "4"))
    batch, account = 'INSERT INTO "transactions_batch"', "UPDATE accounts_account"
    written = [start for query in queries for start in (batch, account) if start in query["sql"]]
    assert written == ([batch, account] if connection.vendor == "sqlite" else [account, batch])


@pytest.mark.slow
def test_ten_thousand_items_are_taken_and_one_more_is_not(teller: ApiClient) -> None:
    ada = make_account()
    items = [item("DEPOSIT", ada, "0.01")] * 10_000
    body = post(teller, *items).json()
    assert (body["completed"], body["results"][-1]["balance_after"]) == (10_000, "100.00")
    with nothing_changes():
        response = post(teller, *items, items[0])
    assert bad_fields(response) == [("/transactions", "max_length")]
