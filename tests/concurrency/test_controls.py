"""Controls: each lock, key and guard is removed, and the promise that it backs must break.

A promise is a function that asserts a guarantee under a forced interleaving. It holds with
everything in place. Each control names what breaks it, and how.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import partial
from threading import Barrier, local
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount
from accounts.locks import LockedAccount, lock_accounts
from accounts.models import Account
from core.api.idempotency import fingerprint
from core.commands import Command
from core.errors import BankError, Busy
from tests.concurrency import removals
from tests.concurrency.bank import totals
from tests.concurrency.crowd import PATIENCE_SECONDS, at_once
from tests.concurrency.interleaving import Steps, failures_recorded, rival
from tests.factories import make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger import processor
from transactions.models import Transaction
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

Promise = Callable[[pytest.MonkeyPatch, removals.Lock], None]


@pytest.fixture(autouse=True)
def _as_before(isolation: Callable[[str], None], transactional_db: None) -> Iterator[None]:
    """READ COMMITTED, because SERIALIZABLE would replace what is removed."""
    isolation("read committed")
    with removals.indexes_put_back():
        yield


def code_of(result: Any) -> str:
    """The outcome of a command as a code. Raises an error of the database."""
    if isinstance(result, BankError):
        return result.code
    if isinstance(result, Exception):
        raise result
    return getattr(result, "failure_code", "")


def both(steps: Steps, first: Command, second: Command) -> list[str]:
    return [code_of(result) for result in steps.run(partial(run, first), partial(run, second))]


def a_coin_is_spent_once(monkeypatch: pytest.MonkeyPatch, lock: removals.Lock) -> None:
    account = make_account(balance=10)
    coin = partial(Withdraw, account_id=account.id)
    codes = both(Steps.locked(monkeypatch, lock), coin(amount=Decimal(10)), coin(amount=Decimal(7)))
    assert codes == ["", "insufficient_funds"]
    account.refresh_from_db()
    assert (account.balance, account.last_sequence) == (0, 2)
    assert verify().ok


def nothing_passes_a_freeze(monkeypatch: pytest.MonkeyPatch, lock: removals.Lock) -> None:
    account = make_account(balance=10)
    codes = both(
        Steps.locked(monkeypatch, lock),
        FreezeAccount(account_id=account.id, reason="control"),
        Withdraw(account_id=account.id, amount=Decimal(7)),
    )
    assert codes == ["", "account_frozen"]


def a_closed_account_stays_empty(monkeypatch: pytest.MonkeyPatch, lock: removals.Lock) -> None:
    account = make_account()
    codes = both(
        Steps.locked(monkeypatch, lock),
        CloseAccount(account_id=account.id, reason="control"),
        Deposit(account_id=account.id, amount=Decimal(7)),
    )
    assert codes == ["", "account_closed"]


def keyed(command: type[Command], **fields: Any) -> Command:
    """A command with the one key and its own fingerprint: each is a different request."""
    return command(
        idempotency_key="key", request_fingerprint=fingerprint(command.verb, fields), **fields
    )


def a_key_has_one_effect(monkeypatch: pytest.MonkeyPatch, _lock: removals.Lock) -> None:
    """The two deposits are on two accounts, so they share no lock."""
    deposits = [
        keyed(Deposit, account_id=make_account().id, amount=Decimal(amount)) for amount in (7, 9)
    ]
    assert both(Steps.written(monkeypatch), *deposits) == ["", "idempotency_key_reused"]
    assert Transaction.objects.filter(idempotency_key="key").count() == 1


def a_key_of_an_opening_moves_no_money(monkeypatch: pytest.MonkeyPatch, _lock: Any) -> None:
    """Accounts and transactions are two tables, so no index covers both."""
    opening = keyed(OpenAccount, name="Ada", currency="USD")
    deposit = keyed(Deposit, account_id=make_account().id, amount=Decimal(7))
    assert both(Steps.written(monkeypatch), opening, deposit) == ["", "idempotency_key_reused"]


def a_key_of_a_payment_opens_no_account(monkeypatch: pytest.MonkeyPatch, _lock: Any) -> None:
    opening = keyed(OpenAccount, name="Ada", currency="USD")
    deposit = keyed(Deposit, account_id=make_account().id, amount=Decimal(7))
    assert both(Steps.written(monkeypatch), deposit, opening) == ["", "idempotency_key_reused"]


PROMISES: list[Promise] = [
    a_coin_is_spent_once,
    nothing_passes_a_freeze,
    a_closed_account_stays_empty,
    a_key_has_one_effect,
    a_key_of_an_opening_moves_no_money,
    a_key_of_a_payment_opens_no_account,
]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_it_holds_with_all_in_place(promise: Promise, monkeypatch) -> None:
    promise(monkeypatch, lock_accounts)


# On SQLite BEGIN IMMEDIATE allows one writer at a time, whatever `lock_accounts` does.
@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("promise", "taken_away", "error", "red"),
    [
        # Only the lock is removed. A guard is the second line of defence, the unique sequence the
        # third: the statement changes the account before it inserts the transaction.
        (a_coin_is_spent_once, (), IntegrityError, "a balance changes only by posting"),
        (
            a_coin_is_spent_once,
            (removals.drop_balance_guard,),
            IntegrityError,
            "transaction_debit_sequence_unique",
        ),
        (
            a_coin_is_spent_once,
            (removals.drop_sequence_indexes, removals.drop_balance_guard),
            AssertionError,
            r"\['', ''\] == \['', 'insufficient_funds'\]",
        ),
        (nothing_passes_a_freeze, (), AssertionError, r"\['', ''\] == \['', 'account_frozen'\]"),
        (a_closed_account_stays_empty, (), IntegrityError, "account_closed_is_empty"),
    ],
)
def test_without_the_lock_it_breaks(monkeypatch, promise, taken_away, error, red: str) -> None:
    for take_away in taken_away:
        take_away()
    with pytest.raises(error, match=red):
        promise(monkeypatch, removals.read_without_lock)


@pytest.mark.postgresql
def test_the_verifier_sees_a_coin_that_was_spent_twice(monkeypatch) -> None:
    removals.drop_sequence_indexes()
    removals.drop_balance_guard()
    with pytest.raises(AssertionError):
        a_coin_is_spent_once(monkeypatch, removals.read_without_lock)
    assert {finding.invariant for finding in verify().findings} >= {"M2"}


@pytest.mark.parametrize(
    ("promise", "take_away"),
    [
        (a_key_has_one_effect, removals.drop_key_index),
        (a_key_of_an_opening_moves_no_money, removals.drop_key_guards),
        (a_key_of_a_payment_opens_no_account, removals.drop_key_guards),
    ],
)
def test_without_its_guard_a_key_has_two_effects(monkeypatch, promise, take_away) -> None:
    take_away()
    with pytest.raises(AssertionError, match=r"\['', ''\] == \['', 'idempotency_key_reused'\]"):
        promise(monkeypatch, lock_accounts)


class OneByOne:
    """Locks accounts in the order of the arguments, each by its own query.

    Two concurrent transfers meet once, when each has its first lock, so the deadlock is certain.
    """

    def __init__(self) -> None:
        self._met, self._mine = Barrier(2), local()

    def begin(self, *order: UUID) -> None:
        self._mine.order, self._mine.has_met = order, False

    def lock(self, account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
        if not hasattr(self._mine, "order"):
            return lock_accounts(account_ids)
        first, second = self._mine.order
        locked = lock_accounts([first])
        if not self._mine.has_met:
            self._mine.has_met = True
            self._met.wait(PATIENCE_SECONDS)
        return locked | lock_accounts([second])


def contention_of_opposite_transfers(begin: Callable[..., None]) -> list[list[str]]:
    """The SQLSTATEs that two opposite transfers met. Both transfers succeed."""
    one, other = make_account(balance=10).id, make_account(balance=20).id

    def transfer(source: UUID, target: UUID) -> list[str]:
        begin(source, target)
        command = Transfer(account_id=source, target_account_id=target, amount=Decimal(3))
        with failures_recorded() as met:
            assert run(command).failure_code == ""
        return met

    return at_once([partial(transfer, one, other), partial(transfer, other, one)])


def test_opposite_transfers_meet_no_deadlock() -> None:
    assert contention_of_opposite_transfers(lambda *_order: None) == [[], []]


@pytest.mark.postgresql
def test_locking_in_the_order_of_the_arguments_is_a_deadlock(monkeypatch) -> None:
    disorderly = OneByOne()
    monkeypatch.setattr(processor, "lock_accounts", disorderly.lock)
    assert sorted(contention_of_opposite_transfers(disorderly.begin)) == [[], ["40P01"]]


def deposit_beside_an_insert() -> str:
    """Deposits while another session has inserted a row that refers to the account.

    The foreign key of such a row takes FOR KEY SHARE.
    """
    account = make_account()
    with rival() as other:
        other.session.execute(
            "SELECT FROM accounts_account WHERE id = %s FOR KEY SHARE", [account.id]
        )
        removals.execute("SET lock_timeout = '100ms'")
        try:
            return code_of(run(Deposit(account_id=account.id, amount=Decimal(7))))
        finally:
            removals.execute("RESET lock_timeout")


@pytest.mark.postgresql
def test_an_insert_that_refers_to_an_account_is_in_nobodys_way() -> None:
    assert deposit_beside_an_insert() == ""


@pytest.mark.postgresql
def test_a_lock_for_change_of_keys_would_be_in_the_way_of_inserts(monkeypatch) -> None:
    monkeypatch.setattr(processor, "lock_accounts", removals.lock_as_if_keys_changed)
    with pytest.raises(Busy):
        deposit_beside_an_insert()


def test_a_total_read_row_by_row_is_wrong() -> None:
    """So readers use one statement. The ledger itself is right meanwhile."""
    one, other = make_account(balance=10), make_account(balance=20)
    first = Account.objects.get(pk=one.id).balance
    run(Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal(7)))
    second = Account.objects.get(pk=other.id).balance
    assert first + second == 37
    assert totals() == (300_000, -300_000, 0)
