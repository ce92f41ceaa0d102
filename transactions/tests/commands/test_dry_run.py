"""A dry run is the real run, rolled back: it returns the would-be result and stores nothing."""

from decimal import Decimal

import pytest

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount
from core.commands import Origin
from core.errors import AccountNotEmpty, IdempotencyKeyReused, InvalidInput
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, make_account
from transactions.commands import Approve, Deposit, Retry, Reverse, Transfer, Withdraw
from transactions.ledger.idempotency import Replay
from transactions.ledger.processor import process, try_out

# A rolled-back run must be a transaction of its own.
pytestmark = pytest.mark.django_db(transaction=True)

KEY = {"idempotency_key": "pay-1", "request_fingerprint": "a"}


def test_each_command_sees_what_those_before_it_would_do() -> None:
    account, target = make_account(balance=7), make_account(balance=2)
    commands = [
        Withdraw(account_id=account.id, amount=Decimal(3)),
        Transfer(account_id=account.id, target_account_id=target.id, amount=Decimal(4)),
        Withdraw(account_id=account.id, amount=Decimal("0.5")),
    ]
    with nothing_changes():
        first, second, third = try_out(commands, ORIGIN)
    assert (first.status, first.debit_sequence, first.debit_balance_after) == (
        "COMPLETED",
        2,
        40_000,
    )
    assert (second.debit_sequence, second.debit_balance_after) == (3, 0)
    assert (second.credit_sequence, second.credit_balance_after) == (2, 60_000)
    assert (third.status, third.failure_code) == ("FAILED", "insufficient_funds")
    # The same again for real: the dry run left nothing in its way.
    assert [row.debit_sequence for row in process(commands, ORIGIN)] == [2, 3, None]


def test_commands_that_read_what_was_written_before_them_are_run_too() -> None:
    opening = OpenAccount(name="Ada", currency="USD")
    with nothing_changes():
        account, paid_in, frozen, refused = try_out(
            [
                opening,
                Deposit(account_id=opening.account_id, amount=Decimal(5)),
                FreezeAccount(account_id=opening.account_id, reason="asked for"),
                Withdraw(account_id=opening.account_id, amount=Decimal(1)),
            ],
            ORIGIN,
        )
    assert (account.id, frozen.debits_blocked) == (opening.account_id, True)
    assert (paid_in.credit_balance_after, refused.failure_code) == (50_000, "account_frozen")


def test_a_key_is_not_used_and_one_in_use_tells_what_it_would_replay() -> None:
    account = make_account(balance=7)
    keyed = Deposit(account_id=account.id, amount=Decimal(5), **KEY)
    with nothing_changes():
        (row,) = try_out([keyed], ORIGIN)
        assert not row.replayed
    (booked,) = process([keyed], ORIGIN)
    with nothing_changes():
        (replay,) = try_out([keyed], ORIGIN)
    assert isinstance(replay, Replay)
    assert (replay.as_transaction().id, replay.as_transaction().status) == (booked.id, "COMPLETED")
    other = Deposit(account_id=account.id, amount=Decimal(6), **KEY | {"request_fingerprint": "b"})
    with nothing_changes(), pytest.raises(IdempotencyKeyReused):
        try_out([other], ORIGIN)


def test_what_would_wait_for_approval_is_pending(settings) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    account = make_account()
    with nothing_changes():
        (row,) = try_out([Deposit(account_id=account.id, amount=Decimal(100))], ORIGIN)
    assert (row.status, row.waits_for_approval(), row.credit_balance_after) == (
        "PENDING",
        True,
        None,
    )


def test_decisions_show_where_they_would_end(settings, django_user_model) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    account = make_account(balance=7)
    maker = Origin(user_id=django_user_model.objects.create_user("maker").pk, caller="user:1")
    checker = Origin(user_id=django_user_model.objects.create_user("checker").pk, caller="user:2")
    waiting, failed, done = process(
        [
            Deposit(account_id=account.id, amount=Decimal(100)),
            Withdraw(account_id=account.id, amount=Decimal(9)),
            Withdraw(account_id=account.id, amount=Decimal(2)),
        ],
        maker,
    )
    with nothing_changes():
        (approved,) = try_out([Approve(transaction_id=waiting.id)], checker)
        (retried,) = try_out([Retry(transaction_id=failed.id, reason="again", limit=3)], checker)
        (reversal,) = try_out([Reverse(transaction_id=done.id, reason="twice")], checker)
    assert (approved.status, approved.credit_balance_after) == ("COMPLETED", 1_050_000)
    assert (retried.status, retried.retry_count) == ("FAILED", 1)
    assert (reversal.status, reversal.credit_balance_after) == ("COMPLETED", 70_000)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (lambda account: Deposit(account_id=account.id, amount=Decimal("0.001")), InvalidInput),
        (lambda account: CloseAccount(account_id=account.id, reason="moved"), AccountNotEmpty),
    ],
)
def test_a_dry_run_is_refused_like_the_real_run(command, error) -> None:
    account = make_account(balance=7)
    with nothing_changes(), pytest.raises(error):
        try_out([command(account)], ORIGIN)
