"""Holds: placed, captured, voided and expired, in process."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount, UnfreezeAccount
from accounts.models import CASH, Account, internal_account_id
from accounts.states import FreezeScope
from core.commands import Origin
from core.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotEmpty,
    CurrencyMismatch,
    HoldNotOpen,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidInput,
    LimitBelowUse,
    NotFound,
    NotRetryable,
    SameAccount,
    SelfDealing,
)
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import (
    Approve,
    Cancel,
    Capture,
    Deposit,
    ExpireHold,
    PlaceHold,
    Reject,
    Retry,
    Reverse,
    Transfer,
    VoidHold,
    Withdraw,
)
from transactions.ledger.processor import process, try_out
from transactions.models import Hold, HoldCapture, Transaction
from transactions.queue.holds import expire_holds
from transactions.queue.waiting import expire_approvals

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)
USD = Decimal


def place(account: Account, amount: str | int, **fields: Any) -> Hold:
    hold: Hold = run(PlaceHold(account_id=account.id, amount=Decimal(amount), **fields))
    return hold


def capture(hold: Hold, amount: str | int | None = None, **fields: Any) -> Any:
    wanted = None if amount is None else Decimal(amount)
    return run(Capture(hold_id=hold.pk, amount=wanted, **fields))


def money_of(account: Account) -> tuple[Decimal | None, Decimal, Decimal | None]:
    """Balance, held and available, as stored."""
    account.refresh_from_db()
    return account.balance, account.held, account.available_balance


def state_of(hold: Hold) -> tuple[str, Decimal, bool]:
    """Status, what is captured, and whether it has ended."""
    hold.refresh_from_db()
    return hold.status, hold.captured, hold.ended_at is not None


def test_a_hold_reserves_money_and_moves_none() -> None:
    account = make_account(balance=100, overdraft_limit=Decimal(20))
    hold = place(account, "70.25", description="Hotel")
    assert money_of(account) == (100, Decimal("70.25"), Decimal("49.75"))
    assert (hold.status, hold.captured, hold.held) == ("OPEN", 0, Decimal("70.25"))
    assert hold.expires_at == hold.created_at + timedelta(days=7)
    refused = run(Withdraw(account_id=account.id, amount=Decimal("49.76")))
    assert refused.failure_detail == "49.75 USD available, 49.76 USD needed."
    with pytest.raises(InsufficientFunds, match=r"49\.75 USD available"):
        place(account, "49.76")
    run(Withdraw(account_id=account.id, amount=Decimal("49.75")))
    assert money_of(account) == (Decimal("50.25"), Decimal("70.25"), 0)
    assert Transaction.objects.filter(status="COMPLETED").count() == 2


def test_captures_pay_in_parts_until_the_last_releases_the_rest() -> None:
    account, shop = make_account(balance=100), make_account()
    hold = place(account, 60, target_account_id=shop.id, description="Order 7")
    first = capture(hold, 25)
    assert (first.type, first.status, first.description) == ("TRANSFER", "COMPLETED", "Order 7")
    assert money_of(account) == (75, 35, 40)
    assert state_of(hold) == ("OPEN", 25, False)
    last = capture(hold, "10.50", final=True)
    assert money_of(account) == (Decimal("64.50"), 0, Decimal("64.50"))
    assert money_of(shop)[0] == Decimal("35.50")
    assert state_of(hold) == ("CAPTURED", Decimal("35.50"), True)
    links = HoldCapture.objects.filter(hold=hold).order_by("pk")
    assert [link.pk for link in links] == [first.id, last.id]
    with pytest.raises(HoldNotOpen, match="CAPTURED already"):
        capture(hold, 1)


def test_a_capture_without_amount_pays_all_in_cash() -> None:
    account = make_account(balance=1000, currency="JPY")
    hold = place(account, 700)
    row = capture(hold)
    assert (row.type, row.amount) == ("WITHDRAW", 7_000_000)
    assert row.credit_account_id == internal_account_id(CASH, "JPY")
    assert money_of(account) == (300, 0, 300)
    assert state_of(hold) == ("CAPTURED", 700, True)


def test_nobody_captures_more_than_is_left() -> None:
    account = make_account(balance=100)
    hold = place(account, 30)
    capture(hold, 20)
    for bad, error in ((10.01, HoldNotOpen), (0, InvalidInput), ("1.001", InvalidInput)):
        with pytest.raises(error), nothing_changes():
            capture(hold, str(bad))
    assert money_of(account) == (80, 10, 70)


def test_void_releases_what_is_left() -> None:
    account = make_account(balance=100)
    hold = place(account, 30)
    capture(hold, 20)
    voided = run(VoidHold(hold_id=hold.pk, reason="Order cancelled"))
    assert state_of(voided) == ("VOIDED", 20, True)
    assert voided.end_reason == "Order cancelled"
    assert money_of(account) == (80, 0, 80)
    for command in (VoidHold(hold_id=hold.pk), ExpireHold(hold_id=hold.pk)):
        with pytest.raises(HoldNotOpen, match="VOIDED already"):
            run(command)


def test_from_its_expiry_on_a_hold_pays_nothing_and_the_worker_ends_it() -> None:
    with time_machine.travel(NOW, tick=False) as travel:
        account = make_account(balance=100)
        expires_at = NOW + timedelta(hours=1)
        hold = place(account, 30, expires_at=expires_at)
        lasting = place(account, 5)
        travel.move_to(expires_at - timedelta(microseconds=1))
        assert expire_holds(ORIGIN) == 0
        with pytest.raises(HoldNotOpen, match="not expired yet"):
            run(ExpireHold(hold_id=hold.pk))
        capture(hold, 10)
        travel.move_to(expires_at)
        with pytest.raises(HoldNotOpen, match="has expired"):
            capture(hold, 10)
        # Until somebody ends it, it still counts, for every check and every reader alike.
        assert money_of(account) == (90, 25, 65)
        assert expire_holds(ORIGIN) == 1
        assert state_of(hold) == ("EXPIRED", 10, True)
        assert state_of(lasting) == ("OPEN", 0, False)
        assert money_of(account) == (90, 5, 85)
        assert expire_holds(ORIGIN) == 0


@pytest.mark.parametrize(
    ("offset", "code"),
    [
        (timedelta(0), "in_the_past"),
        (timedelta(days=366, microseconds=1), "too_late"),
    ],
)
def test_a_hold_expires_in_the_future_and_within_a_year(offset: timedelta, code: str) -> None:
    with time_machine.travel(NOW, tick=False):
        account = make_account(balance=9)
        with pytest.raises(InvalidInput) as raised:
            place(account, 1, expires_at=NOW + offset)
        assert [one.code for one in raised.value.errors] == [code]
        place(account, 1, expires_at=NOW + timedelta(days=366))


def test_bad_targets_are_refused() -> None:
    account, euros = make_account(balance=9), make_account(currency="EUR")
    for target, error in (
        (account.id, SameAccount),
        (euros.id, CurrencyMismatch),
        (uuid7(NOW), NotFound),
        (internal_account_id(CASH, "USD"), NotFound),
    ):
        with pytest.raises(error), nothing_changes():
            place(account, 1, target_account_id=target)
    with pytest.raises(NotFound):
        run(Capture(hold_id=uuid7(NOW)))
    with pytest.raises(NotFound):
        run(VoidHold(hold_id=uuid7(NOW)))


def test_a_frozen_account_keeps_its_holds_and_pays_none() -> None:
    account, shop = make_account(balance=50), make_account()
    hold = place(account, 30, target_account_id=shop.id)
    other = place(account, 10)
    run(FreezeAccount(account_id=account.id, scope=FreezeScope.DEBITS, reason="x"))
    for refused in (Capture(hold_id=hold.pk), PlaceHold(account_id=account.id, amount=USD(1))):
        with pytest.raises(AccountFrozen), nothing_changes():
            run(refused)
    run(VoidHold(hold_id=other.pk))
    run(UnfreezeAccount(account_id=account.id, reason="x"))
    run(FreezeAccount(account_id=shop.id, scope=FreezeScope.CREDITS, reason="x"))
    with pytest.raises(AccountFrozen), nothing_changes():
        capture(hold)
    assert (state_of(hold), money_of(account)) == (("OPEN", 0, False), (50, 30, 20))


def test_an_account_with_holds_neither_closes_nor_loses_their_limit() -> None:
    account, shop = make_account(overdraft_limit=Decimal(50)), make_account()
    hold = place(account, 30, target_account_id=shop.id)
    with pytest.raises(AccountNotEmpty, match=r"reserve 30\.00 USD"):
        run(CloseAccount(account_id=account.id, reason="x"))
    with pytest.raises(LimitBelowUse, match=r"30\.00 USD, open holds included"):
        run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=USD("29.99"), reason="x"))
    run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=USD("30.00"), reason="x"))
    run(CloseAccount(account_id=shop.id, reason="x"))
    with pytest.raises(AccountClosed), nothing_changes():
        capture(hold)
    run(VoidHold(hold_id=hold.pk))
    run(CloseAccount(account_id=account.id, reason="x"))
    with pytest.raises(AccountClosed):
        place(account, 1)


def test_a_deposit_that_a_hold_reserves_is_not_reversed() -> None:
    account = make_account()
    paid = deposit(account, 40)
    hold = place(account, 30)
    refused = run(Reverse(transaction_id=paid.id, reason="x"))
    assert refused.failure_code == "insufficient_funds"
    row = capture(hold)
    reversal = run(Reverse(transaction_id=row.id, reason="Returned"))
    assert reversal.status == "COMPLETED"
    # The money comes back free: a reversal does not reserve it again.
    assert (money_of(account), state_of(hold)) == ((40, 0, 40), ("CAPTURED", 30, True))


def test_later_commands_of_a_list_see_what_earlier_ones_hold() -> None:
    account = make_account(balance=10)
    hold, refused, paid = process(
        [
            PlaceHold(account_id=account.id, amount=Decimal(8)),
            Withdraw(account_id=account.id, amount=Decimal(3)),
            Withdraw(account_id=account.id, amount=Decimal(2)),
        ],
        ORIGIN,
    )
    assert (refused.failure_code, paid.status) == ("insufficient_funds", "COMPLETED")
    process(
        [
            Deposit(account_id=account.id, amount=Decimal(5)),
            Capture(hold_id=hold.pk, amount=Decimal(6)),
            Withdraw(account_id=account.id, amount=Decimal(5)),
            Capture(hold_id=hold.pk, amount=Decimal(2)),
        ],
        ORIGIN,
    )
    assert (money_of(account), state_of(hold)) == ((0, 0, 0), ("CAPTURED", 8, True))


# Keys ---------------------------------------------------------------------------------------------


def test_a_key_places_and_captures_once() -> None:
    account = make_account(balance=30)
    keyed = {"idempotency_key": "k-1", "request_fingerprint": "a"}
    hold = place(account, 30, **keyed)
    # The money is gone for a second hold, but the first one is the answer.
    again = place(account, 30, **keyed)
    assert (again.replayed, again.id) == (True, hold.pk)
    with pytest.raises(IdempotencyKeyReused):
        place(account, 30, **keyed | {"request_fingerprint": "b"})
    # Holds have keys of their own, and captures share those of transactions.
    row = capture(hold, 30, **keyed)
    again = capture(hold, 30, **keyed)
    assert (again.replayed, again.id) == (True, row.id)
    with pytest.raises(IdempotencyKeyReused):
        capture(hold, 1, **keyed | {"request_fingerprint": "b"})
    assert money_of(account) == (0, 0, 0)
    assert Hold.objects.count() == HoldCapture.objects.count() == 1


def test_a_dry_run_leaves_nothing() -> None:
    account = make_account(balance=30)
    hold = place(account, 20)
    with nothing_changes():
        (held,) = try_out([PlaceHold(account_id=account.id, amount=Decimal(10))], ORIGIN)
        (row,) = try_out([Capture(hold_id=hold.pk, amount=Decimal(5))], ORIGIN)
        (voided,) = try_out([VoidHold(hold_id=hold.pk)], ORIGIN)
        with pytest.raises(InsufficientFunds):
            try_out([PlaceHold(account_id=account.id, amount=Decimal(11))], ORIGIN)
    assert (held.status, row.status, row.debit_balance_after, voided.status) == (
        "OPEN", "COMPLETED", 250_000, "VOIDED",
    )  # fmt: skip


# Four eyes ----------------------------------------------------------------------------------------


def origin_of(name: str) -> Origin:
    user = get_user_model().objects.create_user(name)
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


@pytest.fixture
def _threshold(settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}


@pytest.mark.usefixtures("_threshold")
def test_a_large_capture_waits_and_the_hold_with_it() -> None:
    maker, checker = origin_of("maker"), origin_of("checker")
    with time_machine.travel(NOW, tick=False) as travel:
        account = make_account(balance=40, overdraft_limit=Decimal(40))
        hold = place(account, 70)
        row = run(Capture(hold_id=hold.pk, amount=Decimal(60), final=True), maker)
        assert (row.status, money_of(account)) == ("PENDING", (40, 70, 10))
        for other in (Capture(hold_id=hold.pk, amount=Decimal(1)), VoidHold(hold_id=hold.pk)):
            with pytest.raises(HoldNotOpen, match="waits for approval"), nothing_changes():
                run(other)
        travel.move_to(hold.expires_at + timedelta(hours=1))
        assert expire_holds(ORIGIN) == 0
        # It was asked for in time, so it is paid.
        assert run(Approve(transaction_id=row.id), checker).status == "COMPLETED"
        assert money_of(account) == (-20, 0, 20)
        assert state_of(hold) == ("CAPTURED", 60, True)


@pytest.mark.usefixtures("_threshold")
@pytest.mark.parametrize("way", ["reject", "cancel", "nobody"])
def test_a_capture_that_is_not_approved_leaves_the_hold(way: str) -> None:
    maker, checker = origin_of("maker"), origin_of("checker")
    with time_machine.travel(NOW, tick=False) as travel:
        account = make_account(balance=40, overdraft_limit=Decimal(30))
        hold = place(account, 60, expires_at=NOW + timedelta(days=300))
        row = run(Capture(hold_id=hold.pk), maker)
        if way == "nobody":
            travel.move_to(NOW + timedelta(days=100))
            assert expire_approvals(ORIGIN) == 1
        else:
            decision = Reject if way == "reject" else Cancel
            run(decision(transaction_id=row.id, reason="x"), checker)
        assert (state_of(hold), money_of(account)) == (("OPEN", 0, False), (40, 60, 10))
        capture(hold, 40)
        assert money_of(account) == (0, 20, 10)


@pytest.mark.usefixtures("_threshold")
def test_a_capture_refused_at_its_approval_is_not_retried() -> None:
    maker, checker = origin_of("maker"), origin_of("checker")
    account = make_account(balance=40, overdraft_limit=Decimal(30))
    hold = place(account, 60)
    row = run(Capture(hold_id=hold.pk), maker)
    run(FreezeAccount(account_id=account.id, reason="x"))
    assert run(Approve(transaction_id=row.id), checker).failure_code == "account_frozen"
    assert (state_of(hold), money_of(account)) == (("OPEN", 0, False), (40, 60, 10))
    run(UnfreezeAccount(account_id=account.id, reason="x"))
    with pytest.raises(NotRetryable, match="capture the hold again"), nothing_changes():
        run(Retry(transaction_id=row.id))
    out = StringIO()
    with nothing_changes():
        call_command("retry_failed", "--json", stdout=out)
    assert json.loads(out.getvalue())["transactions"] == 0
    run(VoidHold(hold_id=hold.pk))


@pytest.mark.parametrize("side", ["account", "target"])
def test_staff_hold_nothing_of_their_own(side: str) -> None:
    own = origin_of("susan")
    owners = {side: own.user_id}
    accounts = {
        "account": make_account(balance=9, owner_id=owners.get("account")),
        "target": make_account(owner_id=owners.get("target")),
    }
    account, target = accounts.values()
    hold = place(account, 5, target_account_id=target.id)
    commands = [
        PlaceHold(account_id=account.id, amount=Decimal(1), target_account_id=target.id),
        Capture(hold_id=hold.pk),
    ]
    if side == "account":
        commands.append(VoidHold(hold_id=hold.pk))
    for command in commands:
        with pytest.raises(SelfDealing), nothing_changes():
            run(command, own)


# The cost -----------------------------------------------------------------------------------------


def statements_of(command: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        run(command)
    return len([one for one in captured if "SAVEPOINT" not in one["sql"]])


def test_holds_cost_a_movement_no_statement() -> None:
    plain, holding, other = (make_account(balance=50) for _ in range(3))
    for _ in range(3):
        place(holding, 2)
    for make in (
        lambda one: Deposit(account_id=one.id, amount=Decimal(1)),
        lambda one: Withdraw(account_id=one.id, amount=Decimal(1)),
        lambda one: Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal(1)),
    ):
        assert statements_of(make(plain)) == statements_of(make(holding)) <= 3
