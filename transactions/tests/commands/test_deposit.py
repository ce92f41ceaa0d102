from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount
from accounts.models import CASH, Account, internal_account_id
from accounts.states import FreezeScope
from core.commands import Origin
from core.errors import AccountClosed, AccountFrozen, BalanceLimit, InvalidInput, NotFound
from core.identifiers import lowest_uuid7, uuid7
from core.money import MAX_AMOUNT, MAX_BALANCE
from tests.assertions import nothing_changes, stored
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit
from transactions.models import Transaction
from transactions.tests.past_the_ledger import holding
from transactions.tests.refusals import kept_as_failed

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, 30, 0, 123457, tzinfo=UTC)


def test_a_deposit_debits_cash_and_credits_the_account(django_user_model) -> None:
    teller = django_user_model.objects.create_user("teller")
    with time_machine.travel(NOW - timedelta(hours=1), tick=False):
        account = make_account()
    command = Deposit(
        account_id=account.id,
        amount=Decimal("500.25"),
        description="salary",
        idempotency_key="k-1",
        request_fingerprint="f" * 64,
    )
    with time_machine.travel(NOW, tick=False):
        origin = Origin(
            user_id=teller.id, caller=f"user:{teller.id}", request_id="r-9", address="192.0.2.9"
        )
        result = run(command, origin)

    (row,) = stored(Transaction)
    assert row.pop("id") == result.id
    assert lowest_uuid7(NOW) <= result.id < lowest_uuid7(NOW.replace(microsecond=123458))
    assert row == {
        "type": "DEPOSIT",
        "status": "COMPLETED",
        "debit_account_id": internal_account_id(CASH, "USD"),
        "credit_account_id": account.id,
        "amount": Decimal("500.25"),
        "currency": "USD",
        "description": "salary",
        "debit_sequence": None,
        "debit_balance_after": None,
        "credit_sequence": 1,
        "credit_balance_after": Decimal("500.25"),
        "effective_at": NOW,
        "failure_code": "",
        "failure_detail": "",
        "retry_count": 0,
        "attempts": 0,
        "reverses_id": None,
        "batch_id": None,
        "batch_index": None,
        "idempotency_caller": f"user:{teller.id}",
        "idempotency_key": "k-1",
        "request_fingerprint": "f" * 64,
        "scheduled_for": None,
        "approval_required": False,
        "lease_token": None,
        "lease_expires_at": None,
        "worker": "",
        "created_by_id": teller.id,
        "request_id": "r-9",
        "address": "192.0.2.9",
        "approved_by_id": None,
        "created_at": NOW,
        "updated_at": NOW,
        "completed_at": NOW,
        "archived_at": None,
        "archive_run_id": None,
    }
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (Decimal("500.25"), 1)
    assert account.last_posted_at == account.updated_at == NOW
    cash = Account.objects.get(pk=internal_account_id(CASH, "USD"))
    assert (cash.balance, cash.last_sequence, cash.last_posted_at) == (None, None, None)


@pytest.mark.parametrize(
    ("currency", "amount"),
    [("JPY", "1"), ("USD", "0.01"), ("BHD", "0.001"), ("CLF", "0.0001"), ("USD", "7.10")],
)
def test_an_amount_may_use_all_digits_of_its_currency(currency: str, amount: str) -> None:
    account = make_account(balance=3, currency=currency)
    deposit(account, amount)
    account.refresh_from_db()
    assert account.balance == 3 + Decimal(amount)


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [
        ("USD", "0", "invalid_amount"),
        ("USD", "-0.01", "invalid_amount"),
        ("USD", "NaN", "invalid_amount"),
        ("USD", "Infinity", "invalid_amount"),
        ("JPY", "0.1", "too_many_decimals"),
        ("USD", "0.001", "too_many_decimals"),
        ("USD", "7.1000000", "too_many_decimals"),
        ("BHD", "0.0001", "too_many_decimals"),
        ("CLF", "0.00001", "too_many_decimals"),
        ("USD", str(MAX_AMOUNT + Decimal("0.01")), "amount_too_large"),
    ],
)
def test_a_bad_amount_leaves_nothing_behind(currency: str, amount: str, code: str) -> None:
    account = make_account(balance=3, currency=currency)
    with nothing_changes(), pytest.raises(InvalidInput) as caught:
        deposit(account, amount)
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == ("/amount", code)


def test_an_unknown_account_leaves_nothing_behind() -> None:
    missing = uuid7(make_account(balance=3).created_at)
    with nothing_changes(), pytest.raises(NotFound):
        run(Deposit(account_id=missing, amount=Decimal(5)))


def test_cash_itself_takes_no_deposit() -> None:
    make_account()
    with nothing_changes(), pytest.raises(NotFound):
        run(Deposit(account_id=internal_account_id(CASH, "USD"), amount=Decimal(5)))


def test_a_closed_account_takes_nothing() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    row = kept_as_failed(Deposit(account_id=account.id, amount=Decimal(5)), AccountClosed)
    assert row.failure_detail == f"Account {account.id} is closed."


@pytest.mark.parametrize("scope", [FreezeScope.CREDITS, FreezeScope.ALL])
def test_blocked_credits_take_nothing(scope: FreezeScope) -> None:
    account = make_account(balance=3)
    run(FreezeAccount(account_id=account.id, scope=scope))
    row = kept_as_failed(Deposit(account_id=account.id, amount=Decimal(5)), AccountFrozen)
    assert row.failure_detail == f"Account {account.id} is frozen for credits."


def test_blocked_debits_let_a_deposit_in() -> None:
    account = make_account(balance=3)
    run(FreezeAccount(account_id=account.id, scope=FreezeScope.DEBITS))
    deposit(account, 5)
    account.refresh_from_db()
    assert account.balance == 8


def test_a_balance_reaches_its_limit_and_does_not_pass_it() -> None:
    account = holding(MAX_BALANCE - 7)
    command = Deposit(account_id=account.id, amount=Decimal("7.01"))
    row = kept_as_failed(command, BalanceLimit)
    assert row.failure_detail == "The balance would pass 100000000000000.00 USD."
    deposit(account, 7)
    account.refresh_from_db()
    assert account.balance == MAX_BALANCE


def test_the_limit_is_not_passed_by_one_unit_of_the_database() -> None:
    account = holding(MAX_BALANCE - 7, make_account(currency="CLF"))
    kept_as_failed(Deposit(account_id=account.id, amount=Decimal("7.0001")), BalanceLimit)
    assert deposit(account, 7).status == "COMPLETED"


def test_closed_comes_before_frozen_and_frozen_before_the_limit() -> None:
    full = holding(MAX_BALANCE)
    run(FreezeAccount(account_id=full.id))
    kept_as_failed(Deposit(account_id=full.id, amount=Decimal(5)), AccountFrozen)
    empty = make_account()
    run(FreezeAccount(account_id=empty.id))
    run(CloseAccount(account_id=empty.id, reason="done"))
    kept_as_failed(Deposit(account_id=empty.id, amount=Decimal(5)), AccountClosed)


def test_a_bad_amount_comes_before_a_closed_account() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(InvalidInput):
        deposit(account, 0)


def test_an_overdrawn_account_is_paid_back() -> None:
    account = make_account(overdraft_limit=Decimal(10))
    run(ChangeOverdraftLimit(account_id=account.id, overdraft_limit=Decimal(20)))
    account = holding(Decimal("-12.5"), account)
    assert deposit(account, 5).credit_balance_after == -75_000
