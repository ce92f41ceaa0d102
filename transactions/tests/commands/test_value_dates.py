"""Value dates: who may set which, and that the order of posting never depends on them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from tests.api import API, account_path, bad_fields, client_of, make_user, shown
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Entry, Transaction

pytestmark = pytest.mark.django_db
ROUTES = ("deposit", "withdraw", "transfer")


@pytest.fixture(autouse=True)
def ten_days(settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 10


@pytest.fixture
def account() -> Account:
    return make_account(balance=50)


def body_of(route: str, at: datetime | str | None) -> dict[str, Any]:
    body: dict[str, Any] = {"amount": "1.25", "effective_at": at}
    if isinstance(at, datetime):
        body["effective_at"] = shown(at)
    if route == "transfer":
        body["target_account_id"] = str(make_account().id)
    return body


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("role", ["teller", "supervisor"])
@pytest.mark.parametrize("queued", [False, True], ids=["", "queued"])
def test_staff_give_a_past_one(account: Account, route: str, role: str, queued: bool) -> None:
    at = timezone.now() - timedelta(days=3)
    client = client_of(make_user(role, role=role))
    headers = {"Prefer": "respond-async"} if queued else {}
    response = client.post(account_path(account, route), body_of(route, at), headers=headers)
    assert response.status_code == (202 if queued else 200)
    assert response.json()["effective_at"] == shown(at)
    assert Transaction.objects.order_by("id").last().effective_at == at  # type: ignore[union-attr]


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("code", "age", "days"),
    [
        ("in_the_future", timedelta(hours=-1), 10),
        ("too_long_ago", timedelta(days=10, minutes=1), 10),
        ("not_allowed", timedelta(days=1), 0),
    ],
)
def test_which_value_dates_are_refused(  # noqa: PLR0917 - columns of a table
    account: Account, settings: Any, route: str, code: str, age: timedelta, days: int
) -> None:
    settings.BANK_BACKDATE_DAYS = days
    client = client_of(make_user("tessa", role="teller"))
    body = body_of(route, timezone.now() - age)
    for headers in ({}, {"Prefer": "respond-async"}):
        with nothing_changes():
            response = client.post(account_path(account, route), body, headers=headers)
        assert bad_fields(response) == [("/effective_at", code)]


@pytest.mark.parametrize("at", ["2026-02-30T00:00:00Z", "2026-01-31T09:30:00", "yesterday"])
def test_what_is_no_moment_is_refused(account: Account, at: str) -> None:
    client = client_of(make_user("tessa", role="teller"))
    with nothing_changes():
        response = client.post(account_path(account, "deposit"), body_of("deposit", at))
    assert [pointer for pointer, _ in bad_fields(response)] == ["/effective_at"]


def test_null_is_the_moment_of_asking(account: Account, settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 0
    client = client_of(make_user("tessa", role="teller"))
    answer = client.post(account_path(account, "deposit"), body_of("deposit", None)).json()
    assert answer["effective_at"] == answer["created_at"]


def test_customers_give_none() -> None:
    ada = make_user("ada")
    own = make_account(balance=50, owner_id=ada.pk)
    body = body_of("transfer", timezone.now() - timedelta(days=1))
    for headers in ({}, {"Prefer": "respond-async"}):
        with nothing_changes():
            response = client_of(ada).post(account_path(own, "transfer"), body, headers=headers)
        assert (response.status_code, response.json()["code"]) == (403, "permission_denied")


def test_another_value_date_is_another_request(account: Account) -> None:
    client, path = client_of(make_user("tessa", role="teller")), account_path(account, "deposit")
    first, second = (body_of("deposit", timezone.now() - timedelta(days=n)) for n in (1, 2))
    key = {"Idempotency-Key": "k-1"}
    assert client.post(path, first, headers=key).status_code == 200
    assert client.post(path, first, headers=key)["Idempotent-Replayed"] == "true"
    assert client.post(path, second, headers=key).status_code == 422


def test_the_order_of_posting_does_not_depend_on_it_and_it_is_shown(account: Account) -> None:
    client = client_of(make_user("susan", role="supervisor"))
    for days in (1, 5, 3):
        at = timezone.now() - timedelta(days=days)
        client.post(account_path(account, "deposit"), body_of("deposit", at))
    entries = client.get(account_path(account, "entries")).json()["results"]
    assert [entry["sequence"] for entry in entries] == [4, 3, 2, 1]
    assert [entry["balance_after"] for entry in entries] == ["53.75", "52.50", "51.25", "50.00"]
    stored = [row.transaction.effective_at for row in _entries(account)]
    assert [entry["effective_at"] for entry in entries] == [shown(at) for at in stored]
    assert sorted(stored[:3]) != stored[:3] != sorted(stored[:3], reverse=True)
    listed = client.get(f"{API}transactions/?format=csv")
    text = b"".join(listed.streaming_content).decode()  # type: ignore[attr-defined]
    assert all(shown(at) in text for at in stored)
    page = f"/admin/transactions/transaction/{Transaction.objects.latest('id').pk}/change/"
    assert "Value date" in client.get(page).content.decode()
    assert datetime.now(UTC) > stored[0]


def _entries(account: Account) -> list[Entry]:
    rows = Entry.objects.filter(account_id=account.id).select_related("transaction")
    return list(rows.order_by("-sequence"))
