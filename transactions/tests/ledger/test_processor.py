"""Lists of commands, all or none. Two processors on one account: tests/test_concurrency.py."""

from decimal import Decimal

import pytest
from django.db import OperationalError, connection, transaction

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount, RenameAccount
from accounts.models import Account
from accounts.states import FreezeScope
from core import commands
from core.errors import AccountClosed, AccountNotEmpty, InvalidInput, NotFound
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger import processor
from transactions.ledger.processor import process
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def test_the_funnel_is_installed_for_the_apps_below() -> None:
    account = make_account()
    (row,) = commands.process([Deposit(account_id=account.id, amount=Decimal(3))], ORIGIN)
    assert row.credit_balance_after == 30_000


def test_nothing_to_do_does_nothing() -> None:
    with nothing_changes():
        assert process([], ORIGIN) == []


def test_opening_with_a_first_balance_is_a_list_of_two() -> None:
    opening = OpenAccount(name="Ada", currency="USD")
    account, row = process(
        [opening, Deposit(account_id=opening.account_id, amount=Decimal("12.5"))], ORIGIN
    )
    assert account.id == row.credit_account_id == opening.account_id
    stored = Account.objects.get(pk=opening.account_id)
    assert (stored.balance, stored.last_sequence) == (Decimal("12.5"), 1)
    assert stored.created_at <= row.created_at


def test_a_bad_first_balance_opens_nothing() -> None:
    make_account()
    opening = OpenAccount(name="Ada", currency="USD")
    with nothing_changes(), pytest.raises(InvalidInput):
        process([opening, Deposit(account_id=opening.account_id, amount=Decimal(0))], ORIGIN)


def test_an_account_is_emptied_and_closed_in_one_list() -> None:
    account, target = make_account(balance=7), make_account(balance=2)
    withdrawn, transferred, closed = process(
        [
            Withdraw(account_id=account.id, amount=Decimal(3)),
            Transfer(account_id=account.id, target_account_id=target.id, amount=Decimal(4)),
            CloseAccount(account_id=account.id, reason="moved away"),
        ],
        ORIGIN,
    )
    assert (withdrawn.debit_sequence, transferred.debit_sequence) == (2, 3)
    assert (closed.balance, closed.last_sequence, closed.status) == (0, 3, "CLOSED")
    account.refresh_from_db()
    target.refresh_from_db()
    assert (account.status, account.balance) == ("CLOSED", 0)
    assert (target.balance, target.last_sequence) == (6, 2)


def test_money_commands_see_what_staff_commands_did_before_them() -> None:
    account = make_account(balance=7)
    first, _, second, _, third = process(
        [
            Withdraw(account_id=account.id, amount=Decimal(3)),
            FreezeAccount(account_id=account.id, scope=FreezeScope.DEBITS),
            Withdraw(account_id=account.id, amount=Decimal(2)),
            RenameAccount(account_id=account.id, name="Grace"),
            Deposit(account_id=account.id, amount=Decimal(10)),
        ],
        ORIGIN,
    )
    assert (first.status, first.debit_balance_after) == ("COMPLETED", 40_000)
    assert (second.status, second.failure_code) == ("FAILED", "account_frozen")
    assert (third.status, third.credit_sequence, third.credit_balance_after) == (
        "COMPLETED",
        3,
        140_000,
    )
    account.refresh_from_db()
    assert (account.name, account.balance, account.last_sequence) == ("Grace", 14, 3)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        (lambda account: Deposit(account_id=account.id, amount=Decimal("0.001")), InvalidInput),
        (lambda account: CloseAccount(account_id=account.id), AccountNotEmpty),
        (
            lambda account: Withdraw(account_id=uuid7(account.created_at), amount=Decimal(1)),
            NotFound,
        ),
    ],
)
def test_what_is_refused_takes_the_whole_list_with_it(last, error) -> None:
    account = make_account(balance=7)
    with nothing_changes(), pytest.raises(error):
        process(
            [
                Deposit(account_id=account.id, amount=Decimal(5)),
                OpenAccount(name="Grace", currency="EUR"),
                Withdraw(account_id=account.id, amount=Decimal(100)),
                last(account),
            ],
            ORIGIN,
        )


def test_a_refusal_of_money_stops_nothing() -> None:
    account = make_account(balance=7)
    rows = process(
        [
            Withdraw(account_id=account.id, amount=Decimal(8)),
            Withdraw(account_id=account.id, amount=Decimal(5)),
            Withdraw(account_id=account.id, amount=Decimal(3)),
            Withdraw(account_id=account.id, amount=Decimal(2)),
        ],
        ORIGIN,
    )
    assert [row.failure_code for row in rows] == [
        "insufficient_funds",
        "",
        "insufficient_funds",
        "",
    ]
    assert [row.debit_sequence for row in rows] == [None, 2, None, 3]
    assert [row.refusal() is None for row in rows] == [False, True, False, True]
    account.refresh_from_db()
    assert account.balance == 0


def test_a_staff_command_on_an_account_closed_in_the_list_is_refused() -> None:
    account = make_account()
    with nothing_changes(), pytest.raises(AccountClosed):
        process(
            [CloseAccount(account_id=account.id), RenameAccount(account_id=account.id, name="X")],
            ORIGIN,
        )


def test_it_owns_its_transaction() -> None:
    account = make_account(balance=7)
    with (
        nothing_changes(),
        transaction.atomic(),
        pytest.raises(RuntimeError, match="durable atomic block cannot be nested"),
    ):
        run(Deposit(account_id=account.id, amount=Decimal(5)))


def test_an_error_that_is_no_contention_is_not_tried_again(monkeypatch) -> None:
    calls = []

    def broken(*arguments: object) -> None:
        calls.append(arguments)
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("SELECT nothing FROM nowhere")
            else:  # SQLSTATE 57014, an OperationalError as contention is
                cursor.execute("SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(1)")

    monkeypatch.setattr(processor, "_process", broken)
    with pytest.raises(OperationalError):
        process([], ORIGIN)
    assert len(calls) == 1


def test_the_creator_and_key_come_from_the_origin(django_user_model) -> None:
    user = django_user_model.objects.create_user("teller")
    account = make_account()
    origin = commands.Origin(user_id=user.id, caller="client:9")
    with_key = Deposit(account_id=account.id, amount=Decimal(3), idempotency_key="k")
    process([with_key, Deposit(account_id=account.id, amount=Decimal(4))], origin)
    rows = Transaction.objects.order_by("id").values_list(
        "created_by_id", "idempotency_caller", "idempotency_key"
    )
    assert list(rows) == [(user.id, "client:9", "k"), (user.id, None, None)]
