"""Limits of an account's payments: one payment, a day's sum and a day's number."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import ApproveLimit, ChangeLimits, RejectLimit
from accounts.locks import lock_accounts
from accounts.models import Account, LimitRequest
from core.commands import Origin
from core.errors import InvalidInput, InvalidTransition, LimitExceeded, SelfApproval
from tests.api import account_path, client_of, make_user
from tests.assertions import nothing_changes
from tests.concurrency.crowd import at_once
from tests.factories import deposit, make_account, make_hold, run
from tests.plans import generic_plan_of, nodes, statements_of
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Capture, Deposit, PlaceHold, Retry, Reverse, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.ledger.spending import read_spending
from transactions.models import Transaction
from transactions.tests.queueing import ORIGIN, outcome, queue_up, work

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)
DONE, REFUSED = ("COMPLETED", ""), ("FAILED", "limit_exceeded")


def limit(
    account: Account,
    max_amount: Any = None,
    daily_amount: Any = None,
    daily_count: int | None = None,
    origin: Origin = ORIGIN,
) -> Account:
    amounts = [None if one is None else Decimal(one) for one in (max_amount, daily_amount)]
    command = ChangeLimits(
        account_id=account.pk,
        max_amount=amounts[0],
        daily_amount=amounts[1],
        daily_count=daily_count,
        reason="Agreed",
    )
    changed: Account = run(command, origin)
    return changed


def pay(account: Account, amount: str | int) -> Any:
    return run(Withdraw(account_id=account.pk, amount=Decimal(amount)))


@pytest.mark.django_db
@pytest.mark.usefixtures("clean_ledger")
class TestPayments:
    def test_each_limit_refuses_and_says_what_is_left_and_when(self, settings: Any) -> None:
        settings.TIME_ZONE = "Europe/Berlin"  # The bank's day is its own.
        with time_machine.travel(NOW, tick=False) as travel:
            account, shop = make_account(balance=1000), make_account()
            limit(account, max_amount=50, daily_amount=100, daily_count=3)
            assert pay(account, "50.01").failure_detail == (
                "At most 50.00 USD a payment, 50.01 USD needed."
            )
            assert pay(account, 50).status == "COMPLETED"
            deposit(account, 500)  # Money that comes in does not count.
            moved = Transfer(account_id=account.pk, target_account_id=shop.pk, amount=Decimal(30))
            assert run(moved).status == "COMPLETED"
            refused = pay(account, "20.01")
            assert refused.failure_code == "limit_exceeded"
            assert refused.failure_detail == (
                "At most 100.00 USD a day: 20.00 USD left until 2100-03-01T23:00:00Z,"
                " 20.01 USD needed."
            )
            assert pay(account, 1).status == "COMPLETED"
            assert pay(account, 1).failure_detail == (
                "At most 3 payments a day: none is left until 2100-03-01T23:00:00Z."
            )
            travel.move_to(NOW.replace(hour=22, minute=59))
            assert pay(account, 1).failure_code == "limit_exceeded"
            travel.move_to(NOW.replace(hour=23, minute=0))
            retried = Retry(transaction_id=refused.id, reason="The next day")
            assert run(retried).status == "COMPLETED"
            limit(account)
            assert pay(account, 900).status == "COMPLETED"

    def test_corrections_of_the_bank_do_not_count(self) -> None:
        account = make_account(balance=100)
        limit(account, daily_amount=10, daily_count=1)
        mistake = deposit(account, 60)
        assert run(Reverse(transaction_id=mistake.id, reason="Not theirs")).status == "COMPLETED"
        paid = pay(account, 10)
        assert pay(account, 1).failure_code == "limit_exceeded"
        run(Reverse(transaction_id=paid.id, reason="Paid twice"))
        assert outcome(pay(account, 10)) == DONE
        assert outcome(pay(account, 1)) == REFUSED

    def test_every_way_of_paying_obeys(self) -> None:
        account = make_account(balance=100)
        limit(account, daily_amount=30)
        # A list and a batch see what their earlier items have paid.
        withdraw = partial(Withdraw, account_id=account.pk)
        rows = process([withdraw(amount=Decimal(9)), withdraw(amount=Decimal(22))], ORIGIN)
        assert [outcome(row) for row in rows] == [DONE, REFUSED]
        items = [withdraw(amount=Decimal(one)) for one in (6, 16, 5)]
        batch = post_batch(BatchRequest(commands=items, atomic=False), ORIGIN)
        assert [outcome(row) for row in batch.results] == [DONE, REFUSED, DONE]
        first, second = queue_up(withdraw(amount=Decimal(4)), withdraw(amount=Decimal(7)))
        work()
        assert (outcome(first), outcome(second)) == (DONE, REFUSED)
        # A hold is checked as a payment, and counts once it is captured.
        hold = make_hold(account, 6)
        with pytest.raises(LimitExceeded), nothing_changes():
            run(PlaceHold(account_id=account.pk, amount=Decimal("6.01")))
        assert outcome(pay(account, 1)) == DONE
        with pytest.raises(LimitExceeded, match=r"5\.00 USD left"), nothing_changes():
            run(Capture(hold_id=hold.pk))
        assert run(Capture(hold_id=hold.pk, amount=Decimal(5))).status == "COMPLETED"
        assert outcome(pay(account, "0.01")) == REFUSED
        # Limits that a list itself sets apply to the rest of it.
        fresh = make_account(balance=50)
        limits = ChangeLimits(
            account_id=fresh.pk, max_amount=None, daily_amount=Decimal(5), daily_count=None
        )
        paid = [Withdraw(account_id=fresh.pk, amount=Decimal(one)) for one in (4, 2)]
        (_, *rows) = process([paid[0], limits, paid[1]], ORIGIN)
        assert outcome(rows[1]) == REFUSED

    def test_only_daily_limits_cost_a_statement(self) -> None:
        def statements(account: Account, command: Any) -> int:
            with CaptureQueriesContext(connection) as queries:
                run(command(account_id=account.pk, amount=Decimal(1)))
            return len(queries)

        plain, at_once_, daily = (make_account(balance=9) for _ in range(3))
        limit(at_once_, max_amount=5)
        limit(daily, daily_amount=5)
        for command in (Withdraw, Deposit):
            counts = [statements(one, command) for one in (plain, at_once_, daily)]
            assert counts[1:] == [counts[0], counts[0] + 1]


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_day_is_read_by_the_index_whatever_the_history() -> None:
    account = make_account(balance=500)
    for day, count in enumerate((300, 300, 5)):
        with time_machine.travel(NOW + timedelta(days=day), tick=False):
            process([Withdraw(account_id=account.pk, amount=Decimal("0.01"))] * count, ORIGIN)
    limit(account, daily_amount=100)
    (locked,) = lock_accounts([account.pk]).values()
    read: Callable[[], None] = partial(read_spending, [locked], NOW + timedelta(days=2))
    (statement,) = statements_of(read)
    assert (locked.spent, locked.payments) == (500, 5)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = list(nodes(generic_plan_of(statement)))
    used = {one["Index Name"] for one in plan if "Index Name" in one}
    assert "transaction_debit_sequence_unique" in used
    # Today's five, and the one before them that ends the walk: no step of the plan reads more.
    for one in plan:
        read_rows = one["Actual Rows"] + one.get("Rows Removed by Filter", 0)
        assert read_rows * one["Actual Loops"] <= 7, {k: v for k, v in one.items() if k != "Plans"}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_payments_at_once_never_pass_a_limit_together() -> None:
    account = make_account(balance=1000)
    limit(account, daily_amount=100, daily_count=9)
    rows = at_once([partial(pay, account, 20)] * 8)
    assert sorted(outcome(row) for row in rows) == [DONE] * 5 + [REFUSED] * 3
    account.refresh_from_db()
    assert account.balance == 900


# Setting them -------------------------------------------------------------------------------------


@pytest.fixture
def people(settings: Any) -> tuple[Any, Any]:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(1000)}
    return make_user("susan", role="supervisor"), make_user("olive", role="supervisor")


def origin_of(user: Any) -> Origin:
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


def limits_of(account: Account) -> tuple[Any, ...]:
    names = ("max_amount", "daily_amount", "daily_count")
    (found,) = Account.objects.filter(pk=account.pk).values_list(*names)
    return tuple(found)


@pytest.mark.django_db
def test_looser_limits_take_two_people(people: tuple[Any, Any]) -> None:
    susan, olive = map(origin_of, people)
    account = make_account()
    assert limit(account, 900, 5000, 3, susan).asked_limit_id is None
    assert limit(account, 999, 4000, 3, susan).asked_limit_id is None  # Below the threshold.
    for looser in ((1000, 4000, 3), (999, 4001, 3), (None, 4000, 3), (999, 4000, 4)):
        asked = limit(account, *looser, susan).asked_limit_id
        assert limits_of(account) == (999, 4000, 3)
        with pytest.raises(InvalidTransition, match="is waiting"), nothing_changes():
            limit(account, *looser, susan)
        decision = {"account_id": account.pk, "request_id": asked}
        with pytest.raises(SelfApproval), nothing_changes():
            run(ApproveLimit(**decision), susan)
        run(RejectLimit(**decision, reason="No"), olive)
        assert limits_of(account) == (999, 4000, 3)
    asked = limit(account, 2000, None, 4, susan).asked_limit_id
    run(ApproveLimit(account_id=account.pk, request_id=asked), olive)
    assert limits_of(account) == (2000, None, 4)
    events = account.events.order_by("-id").values_list("event", "before", "after")
    changed = {"max_amount": "2000.00", "daily_amount": None, "daily_count": 4}
    before = {"max_amount": "999.00", "daily_amount": "4000.00", "daily_count": 3}
    assert list(events[:3]) == [
        ("LIMITS_CHANGED", before, changed),
        ("LIMITS_REQUESTED", before, changed),
        ("LIMITS_REJECTED", before | {"daily_count": 4}, before),
    ]
    # The limits have changed since the request.
    asked = limit(account, 3000, None, 4, susan).asked_limit_id
    limit(account, 10, None, 4, susan)
    with pytest.raises(InvalidTransition, match="changed since"):
        run(ApproveLimit(account_id=account.pk, request_id=asked), olive)


@pytest.mark.django_db
@pytest.mark.parametrize("bad", [("-1", None, None), (None, "0.001", None), (None, None, -1)])
def test_bad_limits_are_refused(bad: tuple[Any, Any, Any]) -> None:
    with pytest.raises(InvalidInput):
        limit(make_account(), *bad)


@pytest.mark.django_db
def test_the_api_reads_and_sets_them(people: tuple[Any, Any]) -> None:
    susan = client_of(people[0])
    owner = make_user("ada")
    account = make_account(balance=100, owner_id=owner.pk)
    path = account_path(account, "limits")
    free = susan.get(path).json()
    assert set(free.values()) == {"USD", None}
    wanted = {"max_amount": "40.00", "daily_amount": "90.00", "daily_count": 5}
    answer = susan.post(path, wanted | {"reason": "Agreed"}, format="json")
    assert answer.status_code == 200
    pay(account, "12.50")
    told = client_of(owner).get(path).json()
    assert told["day_ends_at"].endswith("T00:00:00.000000Z")
    assert {name: told[name] for name in told if name != "day_ends_at"} == {
        "currency": "USD",
        **wanted,
        "paid_today": "12.50",
        "payments_today": 1,
        "left_today": "77.50",
    }
    withdrawal = susan.post(account_path(account, "withdraw"), {"amount": "40.01"}, format="json")
    assert (withdrawal.status_code, withdrawal.json()["code"]) == (400, "limit_exceeded")
    assert Transaction.objects.get(pk=withdrawal.json()["transaction_id"]).status == "FAILED"
    wider = wanted | {"max_amount": None}
    answer = susan.post(path, wider | {"reason": "Agreed"}, format="json")
    assert answer.status_code == 202
    assert answer.json()["limits"] == wider
    asked = LimitRequest.objects.get()
    assert answer["Location"].endswith(f"/limit_requests/{asked.pk}/")
    assert susan.post(path, {"reason": "x"}, format="json").status_code == 400
    assert client_of(owner).post(path, wanted | {"reason": "x"}).status_code == 403
