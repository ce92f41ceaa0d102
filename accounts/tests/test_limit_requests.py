"""Large overdraft limits take two people: request, approve, reject, and the guards behind it."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.commands import ApproveLimit, ChangeOverdraftLimit, OpenAccount, RejectLimit
from accounts.models import Account, AccountEvent, LimitRequest
from core.commands import Origin
from core.errors import (
    AccountClosed,
    ApprovalRequired,
    BankError,
    InvalidTransition,
    NotFound,
    SelfApproval,
)
from tests.api import API, ApiClient, account_path, assert_problem, client_of, make_user, shown
from tests.assertions import nothing_changes, refused_by_database
from tests.factories import make_account, make_limit_request, run
from tests.routes import DELETE_ROUTES, UPDATE_ROUTES
from transactions.commands import Withdraw

pytestmark = pytest.mark.django_db
WHY = "Agreed on 31 January"
LARGE = Decimal(10_000)


@pytest.fixture(autouse=True)
def threshold(settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": LARGE}


@pytest.fixture
def susan() -> Any:
    return make_user("susan", role="supervisor")


@pytest.fixture
def olive() -> Any:
    return make_user("olive", role="supervisor")


def origin(user: Any) -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


def limit_of(account: Account) -> Decimal:
    return Account.objects.get(pk=account.pk).overdraft_limit


def ask(account: Account, limit: str | Decimal, user: Any) -> LimitRequest | None:
    command = ChangeOverdraftLimit(
        account_id=account.id, overdraft_limit=Decimal(limit), reason=WHY
    )
    changed: Account = run(command, origin(user))
    return LimitRequest.objects.filter(pk=changed.asked_limit_id).first()


def approve(request: LimitRequest, user: Any) -> None:
    run(ApproveLimit(account_id=request.account_id, request_id=request.id), origin(user))


@pytest.mark.parametrize(
    ("before", "limit", "waits"),
    [
        ("0", "9999.99", False),
        ("0", "10000.00", True),
        ("9999.99", "19999.98", True),  # Two small steps do not bypass the threshold.
        ("50000", "20000", False),  # Lowering takes one person.
        ("50000", "50000", False),
        ("50000", "50000.01", True),
    ],
)
def test_which_limits_wait(susan: Any, before: str, limit: str, waits: bool) -> None:
    account = make_account(overdraft_limit=Decimal(before))
    asked = ask(account, limit, susan)
    assert (asked is not None) == waits
    assert limit_of(account) == Decimal(before if waits else limit)
    event = AccountEvent.objects.filter(account=account).order_by("id").last()
    assert event is not None
    name = "REQUESTED" if waits else "CHANGED"
    assert (event.event, event.actor, event.reason) == (f"OVERDRAFT_LIMIT_{name}", susan, WHY)
    assert Decimal(event.before["overdraft_limit"]) == Decimal(before)
    assert Decimal(event.after["overdraft_limit"]) == Decimal(limit)


def test_another_currency_has_its_own_threshold_or_none(susan: Any) -> None:
    account = make_account(currency="EUR")
    assert ask(account, "90000", susan) is None
    assert limit_of(account) == 90_000


def test_someone_else_approves_and_only_then_it_holds(susan: Any, olive: Any) -> None:
    account = make_account()
    asked = ask(account, "25000", susan)
    assert asked is not None
    assert run(Withdraw(account_id=account.id, amount=Decimal(5))).refusal() is not None
    with nothing_changes(), pytest.raises(SelfApproval):
        approve(asked, susan)
    approve(asked, olive)
    assert limit_of(account) == 25_000
    asked.refresh_from_db()
    assert (asked.status, asked.requested_by, asked.decided_by) == ("APPROVED", susan, olive)
    event = AccountEvent.objects.filter(account=account).order_by("id").last()
    assert event is not None
    assert (event.event, event.actor) == ("OVERDRAFT_LIMIT_CHANGED", olive)
    assert (event.before, event.after) == (
        {"overdraft_limit": "0.00"},
        {"overdraft_limit": "25000.00"},
    )
    with nothing_changes(), pytest.raises(InvalidTransition):
        approve(asked, olive)


def test_a_superuser_does_not_approve_their_own(olive: Any) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    asked = ask(make_account(), "25000", root)
    assert asked is not None
    with nothing_changes(), pytest.raises(SelfApproval):
        approve(asked, root)


def test_rejected_is_rejected(susan: Any, olive: Any) -> None:
    account = make_account()
    asked = ask(account, "25000", susan)
    assert asked is not None
    run(RejectLimit(account_id=account.id, request_id=asked.id, reason="Too much"), origin(olive))
    asked.refresh_from_db()
    assert (asked.status, asked.decision_reason, limit_of(account)) == ("REJECTED", "Too much", 0)
    for refused in (ApproveLimit, RejectLimit):
        with nothing_changes(), pytest.raises(InvalidTransition):
            run(refused(account_id=account.id, request_id=asked.id), origin(olive))
    assert ask(account, "26000", susan) is not None  # A new request is possible.


def test_one_of_an_account_waits_and_lowering_is_possible_meanwhile(susan: Any, olive: Any) -> None:
    account = make_account(overdraft_limit=Decimal(100))
    asked = ask(account, "25000", susan)
    assert asked is not None
    with nothing_changes(), pytest.raises(InvalidTransition):
        ask(account, "30000", olive)
    assert ask(account, "0", olive) is None
    assert limit_of(account) == 0
    # The request was a raise from 100, and the limit is no longer 100.
    with nothing_changes(), pytest.raises(InvalidTransition, match="changed since"):
        approve(asked, olive)


@pytest.mark.parametrize("closed", [False, True], ids=["bad limit", "closed"])
def test_an_invalid_limit_is_refused_and_not_requested(susan: Any, closed: bool) -> None:
    account = make_account()
    if closed:
        Account.objects.filter(pk=account.pk).update(status="CLOSED")
    limit = "25000" if closed else "25000.001"
    with nothing_changes(), pytest.raises(AccountClosed if closed else BankError):
        ask(account, limit, susan)


def test_an_unknown_request_is_not_found(susan: Any) -> None:
    asked, other = make_limit_request(make_account()), make_account()
    with nothing_changes(), pytest.raises(NotFound):
        run(ApproveLimit(account_id=other.id, request_id=asked.id), origin(susan))


def test_an_account_is_not_opened_with_a_large_limit(susan: Any) -> None:
    opening = OpenAccount(name="Ada", currency="USD", overdraft_limit=LARGE)
    with nothing_changes(), pytest.raises(ApprovalRequired):
        run(opening, origin(susan))
    body = {"name": "Ada", "overdraft_limit": "10000.00"}
    response = client_of(susan).post(f"{API}accounts/", body)
    assert (response.status_code, response.json()["code"]) == (409, "approval_required")
    response = client_of(susan).post(f"{API}accounts/", body | {"overdraft_limit": "9999.99"})
    assert response.status_code == 201


def test_over_http(susan: Any, olive: Any) -> None:
    account = make_account()
    asker: ApiClient = client_of(susan)
    path = account_path(account, "overdraft_limit")
    response = asker.post(path, {"overdraft_limit": "25000.00", "reason": WHY})
    asked = LimitRequest.objects.get()
    waiting = {
        "limit_request_id": str(asked.id),
        "account_id": str(account.id),
        "currency": "USD",
        "overdraft_limit": "25000.00",
        "limit_before": "0.00",
        "limits": None,
        "reason": WHY,
        "status": "PENDING",
        "requested_by": "susan",
        "created_at": shown(asked.created_at),
        "decided_by": None,
        "decided_at": None,
        "decision_reason": "",
    }
    assert (response.status_code, response.json()) == (202, waiting)
    location = f"{API}limit_requests/{asked.id}/"
    assert response["Location"].endswith(location)
    assert asker.get(location).json() == waiting
    for query in ("", "?status=PENDING", f"?account={account.id}"):
        assert asker.get(f"{API}limit_requests/{query}").json()["results"] == [waiting]
    for query in ("?status=APPROVED", f"?account={asked.id}"):
        assert asker.get(f"{API}limit_requests/{query}").json()["results"] == []
    assert_problem(
        asker.post(f"{location}approve/"), "self_approval", "Nobody decides on their own request."
    )
    response = client_of(olive).post(f"{location}approve/", {"reason": "Seen"})
    asked.refresh_from_db()
    assert asked.decided_at is not None
    assert (response.status_code, response.json()) == (
        200,
        waiting
        | {
            "status": "APPROVED",
            "decided_by": "olive",
            "decided_at": shown(asked.decided_at),
            "decision_reason": "Seen",
        },
    )
    assert limit_of(account) == 25_000
    response = client_of(olive).post(f"{location}reject/", {"reason": "No"})
    assert_problem(response, "invalid_transition", "The request is APPROVED already.")


# The guards in the database -----------------------------------------------------------------------


@pytest.mark.parametrize("route", UPDATE_ROUTES)
def test_what_was_asked_for_never_changes(route: str) -> None:
    asked = make_limit_request(make_account())
    with refused_by_database("decided once|never deleted"):
        UPDATE_ROUTES[route](asked, "overdraft_limit", Decimal(30_000))


@pytest.mark.parametrize("route", DELETE_ROUTES)
def test_requests_are_never_deleted(route: str) -> None:
    asked = make_limit_request(make_account())
    with refused_by_database("limit requests are never deleted"):
        DELETE_ROUTES[route](asked)


def test_the_database_knows_maker_and_checker(susan: Any) -> None:
    asked, other = make_limit_request(make_account(), requested_by=susan), make_account()
    now = timezone.now()
    with refused_by_database("limit_request_maker_is_not_checker"):
        LimitRequest.objects.update(status="APPROVED", decided_by=susan, decided_at=now)
    with refused_by_database("limit_request_one_waits|UNIQUE"):
        make_limit_request(asked.account)
    with refused_by_database("begins as PENDING"):
        make_limit_request(other, status="REJECTED", decided_at=now)
