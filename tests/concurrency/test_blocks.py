"""Freezing and closing while money moves: nothing passes a block."""

import threading
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from uuid import UUID

from accounts.commands import CloseAccount, FreezeAccount, UnfreezeAccount
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core.errors import AccountNotEmpty
from tests.concurrency.bank import Bank
from tests.concurrency.crowd import Thread, at_once
from tests.concurrency.interleaving import until
from tests.concurrency.tally import SCALE
from tests.concurrency.teller import settled
from transactions.commands import Deposit, Transfer
from transactions.models import Transaction

FREEZES = 3 * SCALE
RACES = 8 * SCALE


def keep_moving(bank: Bank, source: str, target: str, finished: threading.Event) -> None:
    command = Transfer(
        account_id=UUID(source), target_account_id=UUID(target), amount=Decimal("0.01")
    )
    # SQLite's queue for the one writer is not fair, so staff would wait long.
    while not finished.wait(0.01):
        settled(command, bank.tally)
        bank.tally.add("transfers racing a freeze")


def count(account_id: str, status: str) -> int:
    return Transaction.objects.filter(debit_account_id=account_id, status=status).count()


def wait_for_another(account_id: str, status: str) -> None:
    before = count(account_id, status)
    assert until(lambda: count(account_id, status) > before)


def freeze_and_unfreeze(bank: Bank, account_id: str) -> None:
    """Repeats freeze and unfreeze. Each time it waits until transfers fail, or succeed again."""
    command = FreezeAccount(account_id=UUID(account_id), scope=FreezeScope.DEBITS, reason="race")
    for _ in range(FREEZES):
        settled(command, bank.tally)
        wait_for_another(account_id, "FAILED")
        settled(UnfreezeAccount(account_id=UUID(account_id), reason="race"), bank.tally)
        wait_for_another(account_id, "COMPLETED")


def test_nothing_passes_a_freeze(bank: Bank) -> None:
    frozen, other = bank.open(balance=100), bank.open(balance=100)
    finished = threading.Event()
    movers = [
        Thread(partial(keep_moving, bank, source, target, finished)).start()
        for source, target in [(frozen, other), (frozen, other), (other, frozen)]
    ]
    try:
        freeze_and_unfreeze(bank, frozen)
    finally:
        finished.set()
    for mover in movers:
        mover.result()
    # Events, postings and refusals all have moments under the account's lock.
    events = AccountEvent.objects.filter(account_id=frozen).order_by("id")
    freezes = [event.at for event in events if event.event == "FROZEN"]
    thaws = [event.at for event in events if event.event == "UNFROZEN"]
    blocks = list(zip(freezes, thaws, strict=True))
    assert len(blocks) == FREEZES
    for moved in Transaction.objects.filter(debit_account_id=frozen):
        blocked = any(start < moved.updated_at < end for start, end in blocks)
        assert moved.failure_code == ("account_frozen" if blocked else "")
    # Only debits were blocked.
    assert count(other, "FAILED") == 0
    bank.prove(frozen_once=(frozen,))


def outcome(action: Callable[[], object]) -> str:
    try:
        result = action()
    except AccountNotEmpty as refusal:
        return refusal.code
    return getattr(result, "failure_code", "")


def test_money_and_the_closing_of_an_account_exclude_each_other(bank: Bank) -> None:
    for _ in range(RACES):
        account_id = bank.open()
        deposit = Deposit(account_id=UUID(account_id), amount=Decimal(3))
        closing = CloseAccount(account_id=UUID(account_id), reason="race")
        codes = at_once(
            [
                partial(outcome, partial(settled, command, bank.tally))
                for command in (deposit, closing)
            ]
        )
        account = Account.objects.get(pk=account_id)
        found = (*codes, account.status, account.balance, account.last_sequence)
        assert found in {
            ("", "account_not_empty", "ACTIVE", Decimal(3), 1),
            ("account_closed", "", "CLOSED", Decimal(0), 0),
        }
        bank.tally.add("closings racing a deposit")
    bank.prove()
