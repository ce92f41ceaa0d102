"""Reversals, in process: their postings, once only, and their refusals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connections

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount
from accounts.models import Account
from core.errors import (
    AlreadyReversed,
    ApprovalRequired,
    BankError,
    IdempotencyKeyReused,
    InsufficientFunds,
    InvalidTransition,
    NotFound,
    ReversalOfReversal,
)
from tests.assertions import nothing_changes, stored
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Deposit, Retry, Reverse, Transfer, Withdraw
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process, process_all_or_none
from transactions.models import Transaction
from transactions.queue.acceptance import accept
from transactions.tests.queueing import claimed, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


def reverse(row: Any, **fields: Any) -> JournalRow:
    return run(Reverse(transaction_id=row.id, reason="Sent twice", **fields))


def balances(*accounts: Account) -> list[Decimal | None]:
    return [Account.objects.get(pk=account.id).balance for account in accounts]


def sent(source: Account, target: Account, amount: int = 12) -> JournalRow:
    command = Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(amount))
    return run(command)


def test_a_transfer_is_undone_by_its_opposite() -> None:
    source, target = make_account(balance=30), make_account(balance=4)
    row = sent(source, target)
    before = stored(Transaction)
    undone = reverse(row)
    assert stored(Transaction)[:-1] == before
    kept = Transaction.objects.get(pk=undone.id)
    assert (kept.type, kept.status, kept.amount) == ("REVERSAL", "COMPLETED", 12)
    assert (kept.debit_account_id, kept.credit_account_id) == (target.id, source.id)
    assert (kept.debit_balance_after, kept.credit_balance_after) == (4, 30)
    assert (kept.reverses_id, kept.description) == (row.id, "Sent twice")
    assert [one.id for one in Transaction.objects.get(pk=row.id).reversals.all()] == [undone.id]
    assert balances(source, target) == [30, 4]


@pytest.mark.parametrize(("command", "start"), [(Deposit, 5), (Withdraw, 25)])
def test_cash_that_went_one_way_goes_the_other(command: Any, start: int) -> None:
    account = make_account(balance=start)
    row = run(command(account_id=account.id, amount=Decimal(12)))
    assert balances(account) != [start]
    undone = reverse(row)
    assert (undone.debit_account_id, undone.credit_account_id) == (
        row.credit_account_id,
        row.debit_account_id,
    )
    assert balances(account) == [start]


def test_once_only() -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    row = sent(source, target)
    undone = reverse(row)
    with nothing_changes():
        with pytest.raises(AlreadyReversed):
            reverse(row)
        with pytest.raises(ReversalOfReversal):
            reverse(undone)
        with pytest.raises(AlreadyReversed):
            accept([Reverse(transaction_id=row.id, reason="again")], ORIGIN)


def test_a_reversal_that_waits_is_one() -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    row = sent(source, target)
    (waits,) = queue_up(Reverse(transaction_id=row.id, reason="Sent twice"))
    for state in ("PENDING", "PROCESSING"):
        assert outcome(waits)[0] == state
        with nothing_changes(), pytest.raises(AlreadyReversed):
            reverse(row)
        with nothing_changes(), pytest.raises(ReversalOfReversal):
            reverse(waits)
        claimed()


def test_a_queued_reversal_is_posted_by_the_worker() -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    (waits,) = queue_up(Reverse(transaction_id=sent(source, target).id, reason="Sent twice"))
    assert balances(source, target) == [18, 52]
    assert work() == 1
    assert outcome(waits) == ("COMPLETED", "")
    assert balances(source, target) == [30, 40]


def test_only_what_is_completed_is_reversed() -> None:
    account = make_account(balance=4)
    (pending,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    refused = run(Withdraw(account_id=account.id, amount=Decimal(12)))
    for row in (pending, refused):
        with nothing_changes(), pytest.raises(InvalidTransition):
            reverse(row)
    with nothing_changes(), pytest.raises(NotFound):
        run(Reverse(transaction_id=uuid4(), reason="none"))


def test_a_refused_reversal_is_kept_and_can_be_retried() -> None:
    source, target = make_account(balance=30), make_account()
    row = sent(source, target)
    run(Withdraw(account_id=target.id, amount=Decimal(5)))
    refused = reverse(row)
    kept = Transaction.objects.get(pk=refused.id)
    assert (kept.type, kept.status, kept.reverses_id) == ("REVERSAL", "FAILED", row.id)
    assert kept.failure_detail == "7.00 USD available, 12.00 USD needed."
    assert balances(source, target) == [18, 7]
    deposit(target, 6)
    assert (
        run(Retry(transaction_id=refused.id, reason="Paid in", may_reverse=True)).status
        == "COMPLETED"
    )
    assert balances(source, target) == [30, 1]


def test_a_refused_reversal_is_in_no_later_ones_way() -> None:
    source, target = make_account(balance=30), make_account()
    row = sent(source, target)
    run(FreezeAccount(account_id=target.id))
    assert reverse(row).failure_code == "account_frozen"
    assert reverse(row).failure_code == "account_frozen"
    run(ChangeOverdraftLimit(account_id=source.id, overdraft_limit=Decimal(1)))
    assert Transaction.objects.filter(reverses=row.id, status="FAILED").count() == 2


def test_a_closed_account_takes_no_reversal() -> None:
    source, target = make_account(balance=12), make_account()
    row = sent(source, target)
    run(CloseAccount(account_id=source.id))
    refused = reverse(row)
    assert (refused.status, refused.failure_code) == ("FAILED", "account_closed")
    assert balances(source, target) == [0, 12]


# Many at once. ------------------------------------------------------------------------------------


def all_of(*ids: UUID) -> list[Any]:
    commands = [Reverse(transaction_id=each, reason="Wrong file") for each in ids]
    return process_all_or_none(commands, ORIGIN)


def test_many_are_reversed_all_or_none() -> None:
    one, two, three = (make_account(balance=20) for _ in range(3))
    rows = [sent(one, two, 7), sent(two, three, 9), sent(three, one, 4)]
    ids = [row.id for row in rows]
    run(Withdraw(account_id=three.id, amount=Decimal(20)))  # 5 are left of the 9.
    with nothing_changes(), pytest.raises(InsufficientFunds) as caught:
        all_of(*ids[:2])
    assert caught.value.transaction_id is None
    # The last of the three pays 4 into the account from which the second one takes 9.
    undone = all_of(ids[2], ids[1], ids[0])
    assert [row.status for row in undone] == ["COMPLETED"] * 3
    assert balances(one, two, three) == [20, 20, 0]


@pytest.mark.parametrize("run_list", [process, process_all_or_none])
def test_a_list_reverses_nothing_twice(run_list: Callable[..., list[Any]]) -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    command = Reverse(transaction_id=sent(source, target).id, reason="Wrong file")
    with nothing_changes(), pytest.raises(AlreadyReversed):
        run_list([command, command], ORIGIN)


def test_an_amount_for_four_eyes_is_not_reversed_in_a_list(settings) -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    small, large = sent(source, target, 3), sent(source, target, 15)
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(15)}
    with nothing_changes(), pytest.raises(ApprovalRequired):
        all_of(small.id, large.id)
    waits = reverse(large)
    assert (waits.status, waits.approval_required) == ("PENDING", True)
    assert balances(source, target) == [12, 58]


# Keys. --------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_key_replays_the_reversal_that_it_made() -> None:
    source, target = make_account(balance=30), make_account(balance=40)
    row, other = sent(source, target), sent(source, target, 3)
    key = {"idempotency_key": "k", "reason": "Sent twice"}
    command = Reverse(transaction_id=row.id, request_fingerprint="a", **key)
    (waits,) = accept([command], ORIGIN)
    with nothing_changes():
        for again in (accept([command], ORIGIN)[0], run(command)):
            assert (again.replayed, again.as_transaction().id) == (True, waits.id)
        with pytest.raises(IdempotencyKeyReused):
            run(Reverse(transaction_id=other.id, request_fingerprint="b", **key))
        with pytest.raises(IdempotencyKeyReused):
            accept([Reverse(transaction_id=row.id, request_fingerprint="b", **key)], ORIGIN)
    work()
    with nothing_changes():
        replay = run(command)
        assert (replay.replayed, replay.as_transaction().status) == (True, "COMPLETED")


# Two at once. -------------------------------------------------------------------------------------


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", [("run",) * 8, ("accept",) * 8, ("run", "accept") * 4])
def test_of_many_at_once_exactly_one_wins(ways: tuple[str, ...]) -> None:
    source, target = make_account(balance=30), make_account(balance=100)
    command = Reverse(transaction_id=sent(source, target).id, reason="Sent twice")

    def attempt(way: str) -> str:
        try:
            (row,) = (accept if way == "accept" else process)([command], ORIGIN)
            return str(row.status)
        except BankError as error:
            return error.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(ways)) as pool:
        answers = sorted(pool.map(attempt, ways))
    assert answers.count("already_reversed") == len(ways) - 1
    assert set(answers) <= {"already_reversed", "COMPLETED", "PENDING"}
    work()
    assert Transaction.objects.get(type="REVERSAL").status == "COMPLETED"
    assert balances(source, target) == [30, 100]


def test_a_currency_with_three_digits_is_reversed_to_the_last_one() -> None:
    account = make_account(currency="KWD")
    row = deposit(account, "1.234")
    assert run(Reverse(transaction_id=row.id, reason="A mistake")).amount == 12_340
    account.refresh_from_db()
    assert account.balance == 0
