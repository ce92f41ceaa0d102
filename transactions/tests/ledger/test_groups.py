"""Commands of several callers in one transaction: each has what it would have alone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount
from accounts.models import Account
from accounts.states import FreezeScope
from core import bulkhead
from core.commands import Origin
from core.errors import (
    BankError,
    CurrencyMismatch,
    IdempotencyKeyReused,
    InvalidInput,
    NotFound,
    PermissionDenied,
    SameAccount,
    SelfDealing,
)
from tests.factories import ORIGIN, make_account, run
from tests.gathering import gathered
from transactions.commands import MoneyCommand, Reverse
from transactions.ledger import groups
from transactions.ledger.groups import Asked
from transactions.ledger.idempotency import Replay
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.models import Batch, Transaction
from transactions.tests.grouping import (
    UNKNOWN,
    asked,
    balance,
    deposit,
    outcomes,
    statuses,
    transfer,
    withdraw,
)
from transactions.verifier import verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(balance=100)


@pytest.fixture
def bob() -> Account:
    return make_account(balance=50)


# Results ------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_each_row_has_its_own_caller_key_and_user(ada: Account, bob: Account) -> None:
    users = [get_user_model().objects.create_user(name) for name in ("ann", "ben")]
    rows = outcomes(
        asked(transfer(ada, bob, 7, idempotency_key="k"), "ann", user_id=users[0].pk),
        asked(withdraw(bob, 3, idempotency_key="k"), "ben", user_id=users[1].pk),
        asked(deposit(ada, 2, description="cash"), "job"),
    )
    stored = [Transaction.objects.get(pk=row.id) for row in rows]
    assert [
        (one.idempotency_caller, one.idempotency_key, one.created_by_id, one.description)
        for one in stored
    ] == [
        ("client:ann", "k", users[0].pk, ""),
        ("client:ben", "k", users[1].pk, ""),
        (None, None, None, "cash"),
    ]
    assert [one.status for one in stored] == statuses(rows) == ["COMPLETED"] * 3
    assert (balance(ada), balance(bob)) == (95, 54)
    assert sorted(row.id for row in rows) == [row.id for row in rows]
    assert verify().ok


def test_a_group_takes_as_many_statements_as_one(ada: Account, bob: Account) -> None:
    def count(job: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as queries:
            job()
        # On SQLite each row is a statement.
        return sum(1 for query in queries if not query["sql"].startswith(("INSERT", "UPDATE")))

    alone = count(partial(process, [transfer(ada, bob)], ORIGIN))
    many = [asked(transfer(ada, bob), str(number)) for number in range(10)]
    assert count(partial(outcomes, *many)) == alone


def test_later_ones_see_what_earlier_ones_did(ada: Account, bob: Account) -> None:
    rows = outcomes(
        asked(withdraw(bob, 60)),
        asked(transfer(ada, bob, 20), "ben"),
        asked(withdraw(bob, 60), "cyd"),
    )
    assert statuses(rows) == ["FAILED", "COMPLETED", "COMPLETED"]
    assert (balance(ada), balance(bob)) == (80, 10)
    refused = Transaction.objects.get(pk=rows[0].id)
    assert (refused.status, refused.failure_code) == ("FAILED", "insufficient_funds")
    assert rows[0].refusal().transaction_id == refused.id


def test_frozen_and_closed_accounts_refuse_their_own(ada: Account, bob: Account) -> None:
    closed = make_account()
    run(CloseAccount(account_id=closed.id, reason="gone"))
    run(FreezeAccount(account_id=bob.id, scope=FreezeScope.DEBITS, reason="asked"))
    rows = outcomes(
        asked(deposit(closed)),
        asked(withdraw(bob), "ben"),
        asked(deposit(bob), "cyd"),
        asked(transfer(ada, bob), "dan"),
    )
    assert [row.failure_code for row in rows] == ["account_closed", "account_frozen", "", ""]
    assert Transaction.objects.filter(pk__in=[row.id for row in rows]).count() == 4


def test_bad_input_hurts_nobody_else(ada: Account, bob: Account, settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 10
    yen = make_account(currency="JPY", balance=9)
    yesterday = timezone.now() - timedelta(days=1)
    before = Transaction.objects.count()
    results = outcomes(
        asked(deposit(ada, 1), "a"),
        asked(replace(deposit(ada), account_id=UNKNOWN), "b"),
        asked(transfer(ada, yen), "c"),
        asked(deposit(yen, "1.5"), "d"),
        asked(transfer(ada, ada), "e"),
        asked(replace(transfer(ada, bob), target_account_id=UNKNOWN), "f"),
        asked(deposit(ada, effective_at=yesterday), "g", as_customer=True),
        asked(deposit(ada, 5, effective_at=yesterday), "h"),
        asked(deposit(yen, 1), "i"),
    )
    assert [type(result) for result in results] == [
        JournalRow,
        NotFound,
        CurrencyMismatch,
        InvalidInput,
        SameAccount,
        NotFound,
        PermissionDenied,
        JournalRow,
        JournalRow,
    ]
    assert results[7].effective_at == yesterday
    assert Transaction.objects.count() == before + 3
    assert (balance(ada), balance(yen)) == (106, 10)
    # It is what the command raises alone.
    with pytest.raises(NotFound) as unknown:
        run(replace(deposit(ada), account_id=UNKNOWN))
    assert str(unknown.value) == str(results[1])


def test_a_value_date_that_is_refused_is_looked_at_alone(ada: Account, settings: Any) -> None:
    """It may be a replay: then it was allowed once."""
    settings.BANK_BACKDATE_DAYS = 10
    old = deposit(ada, effective_at=timezone.now() - timedelta(days=11), idempotency_key="k")
    results = outcomes(asked(deposit(ada)), asked(old, "ben"))
    assert statuses(results) == ["COMPLETED", "_Alone"]


def test_self_dealing_is_of_who_asks(ada: Account) -> None:
    sam, olive = (get_user_model().objects.create_user(name) for name in ("sam", "olive"))
    own = make_account(owner_id=sam.pk)
    results = outcomes(
        asked(deposit(own), "sam", user_id=sam.pk),
        asked(deposit(own), "olive", user_id=olive.pk),
        asked(transfer(ada, own), "sam", user_id=sam.pk),
        asked(deposit(ada), "sam", user_id=sam.pk),
        asked(deposit(own), "sam", user_id=sam.pk, as_customer=True),
    )
    assert [type(result) for result in results] == [
        SelfDealing,
        JournalRow,
        SelfDealing,
        JournalRow,
        JournalRow,
    ]
    assert balance(own) == 2


def test_large_ones_wait_for_approval(ada: Account, bob: Account, settings: Any) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(10)}
    rows = outcomes(asked(transfer(ada, bob, 10)), asked(transfer(ada, bob, 9), "ben"))
    assert statuses(rows) == ["PENDING", "COMPLETED"]
    assert (balance(ada), balance(bob)) == (91, 59)


def test_each_maker_has_a_day_of_their_own(ada: Account, settings: Any) -> None:
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {"USD": Decimal(10)}
    users = [get_user_model().objects.create_user(name).pk for name in ("ann", "ben")]
    run(deposit(ada, 4), Origin(caller="user", user_id=users[0]))
    rows = outcomes(
        asked(deposit(ada, 6), user_id=users[0]),
        asked(deposit(ada, 10), user_id=users[1]),
        asked(deposit(ada, 1), user_id=users[0]),
        asked(deposit(ada, 1), user_id=users[1]),
        asked(deposit(ada)),
    )
    # What nobody asked for by name is of one maker, who has opened the account with 100.
    assert statuses(rows) == ["COMPLETED", "COMPLETED", "PENDING", "PENDING", "PENDING"]


# Keys ---------------------------------------------------------------------------------------------


def test_of_one_key_only_the_first_is_in_the_group(ada: Account) -> None:
    command = deposit(ada, idempotency_key="k", request_fingerprint="f")
    results = outcomes(
        asked(command),
        asked(command),
        asked(command, "ben"),
        asked(deposit(ada)),
        asked(deposit(ada)),
    )
    assert statuses(results) == ["COMPLETED", "_Alone", "COMPLETED", "COMPLETED", "COMPLETED"]
    (replay,) = process([command], asked(command).origin)
    assert isinstance(replay, Replay)
    assert replay.id == results[0].id
    assert balance(ada) == 104


def test_who_has_used_a_key_runs_alone_and_the_rest_together(ada: Account) -> None:
    used = asked(deposit(ada, idempotency_key="k", request_fingerprint="f"))
    (row,) = process([used.command], used.origin)
    sizes: list[int] = []

    def counted(group: Sequence[Asked]) -> Any:
        sizes.append(len(group))
        return groups.process_group(group)

    waiting = [
        asked(deposit(ada, idempotency_key="k"), "ben"),
        used,
        asked(deposit(ada, idempotency_key="other")),
        asked(deposit(ada)),
    ]
    results = groups.outcomes(waiting, counted)
    assert statuses(results) == ["COMPLETED", "_Alone", "COMPLETED", "COMPLETED"]
    assert sizes == [4, 3]
    assert balance(ada) == 104
    assert [replay.id for replay in process([used.command], used.origin)] == [row.id]


@pytest.mark.parametrize("kind", ["account", "batch"])
def test_a_key_of_another_kind_is_used_too(ada: Account, kind: str) -> None:
    origin = asked(deposit(ada)).origin
    if kind == "account":
        process([OpenAccount(name="Eve", currency="USD", idempotency_key="k")], origin)
    else:
        Batch.objects.create(
            id=UNKNOWN,
            caller=origin.caller,
            idempotency_key="k",
            atomic=False,
            created_at=timezone.now(),
        )
    mine = asked(deposit(ada, idempotency_key="k", request_fingerprint="f"))
    assert statuses(outcomes(mine, asked(deposit(ada)))) == ["_Alone", "COMPLETED"]
    with pytest.raises(IdempotencyKeyReused):
        process([mine.command], mine.origin)


# What gathers -------------------------------------------------------------------------------------


@pytest.fixture
def _installed() -> Iterator[None]:
    with gathered():
        yield


@pytest.mark.django_db(transaction=True)
def test_only_single_movements_of_money_gather(ada: Account, bob: Account) -> None:
    movement = deposit(ada)
    for commands, expected in [
        ([movement], True),
        ([withdraw(ada)], True),
        ([transfer(ada, bob)], True),
        ([movement, movement], False),
        ([], False),
        ([Reverse(transaction_id=UNKNOWN, reason="x")], False),
        ([OpenAccount(name="Eve", currency="USD")], False),
        ([FreezeAccount(account_id=ada.id, scope=FreezeScope.DEBITS, reason="x")], False),
    ]:
        assert groups.may_gather(commands) is expected, commands


def test_nothing_gathers_within_a_transaction(ada: Account) -> None:
    assert connection.in_atomic_block
    assert not groups.may_gather([deposit(ada)])


@pytest.mark.django_db(transaction=True)
def test_who_asks_for_an_account_that_is_stuck_holds_up_no_others(
    ada: Account, bob: Account
) -> None:
    bulkhead.install(4)
    try:
        assert bulkhead._bulkhead is not None
        bulkhead._bulkhead._waits = {1: bulkhead._Wait({ada.id}, 0.0)}
        assert not groups.may_gather([transfer(bob, ada)])
        assert groups.may_gather([deposit(bob)])
    finally:
        bulkhead._bulkhead = None


@pytest.mark.usefixtures("_installed")
@pytest.mark.django_db(transaction=True)
def test_a_single_one_is_as_without(ada: Account) -> None:
    command = deposit(ada, 3, idempotency_key="k", request_fingerprint="f")
    row = run(command)
    assert (row.status, balance(ada)) == ("COMPLETED", 103)
    assert isinstance(run(command), Replay)
    with pytest.raises(NotFound):
        run(replace(command, account_id=UNKNOWN, idempotency_key=None))


# All at random ------------------------------------------------------------------------------------


class Twins:
    """Accounts in pairs: what one bank's do in groups the other's do one by one."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.pairs = [[make_account(balance=40), make_account(balance=40)] for _ in range(4)]
        self.pairs += [[make_account(balance=9, currency="JPY") for _ in range(2)]]
        for account in self.pairs[0]:
            run(FreezeAccount(account_id=account.id, scope=FreezeScope.CREDITS, reason="x"))

    def commands(self) -> list[MoneyCommand]:
        """The same command for either bank."""
        first, second = self.random.choice(self.pairs), self.random.choice(self.pairs)
        amount = self.random.choice(["0.5", "1", "20", "60", "-1"])
        kind = self.random.choice([deposit, withdraw, transfer])
        return [
            kind(a, b, amount) if kind is transfer else kind(a, amount)  # type: ignore[operator,arg-type]
            for a, b in zip(first, second, strict=True)
        ]


def told(result: Any) -> tuple[Any, ...]:
    if isinstance(result, BankError):
        return (result.code, len(result.errors))
    return (
        result.status,
        result.failure_code,
        result.debit_balance_after,
        result.credit_balance_after,
        result.debit_sequence,
        result.credit_sequence,
    )


def alone(command: MoneyCommand, origin: Origin) -> Any:
    try:
        return run(command, origin)
    except BankError as error:
        return error


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_a_group_is_as_its_commands_one_by_one(seed: int) -> None:
    random = Random(seed)  # noqa: S311
    twins = Twins(random)
    for _ in range(8):
        pairs = [twins.commands() for _ in range(random.randint(2, 9))]
        together = outcomes(*(asked(first) for first, _ in pairs))
        singly = [alone(second, ORIGIN) for _, second in pairs]
        assert [told(result) for result in together] == [told(result) for result in singly]
    for one, other in twins.pairs:
        assert balance(one) == balance(other)
    assert verify().ok
