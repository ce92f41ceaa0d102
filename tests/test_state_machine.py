"""Any sequence of operations on a few accounts agrees with the model and breaks no invariant.

Hypothesis searches for one that does not, and shrinks it to the shortest one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import connection
from django.db.models import Q
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from accounts.commands import (
    ChangeLimits,
    ChangeOverdraftLimit,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core import clock
from core.commands import Command
from core.errors import BankError
from core.money import to_units
from tests import seed as test_seed
from tests.concurrency.model import Model, ModelHold
from tests.concurrency.tally import SCALE
from tests.factories import ORIGIN, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import (
    Capture,
    Deposit,
    PlaceHold,
    Reverse,
    Transfer,
    VoidHold,
    Withdraw,
)
from transactions.models import Transaction
from transactions.verifier import examine
from transactions.verifier.archive_file import examine_archive

EXAMPLES = 6 * SCALE
STEPS = 25
UNITS_PER_CENT = 100

# Few and small values, so that amounts meet balances and limits exactly.
CENTS = st.sampled_from([1, 250, 251, 1000, 4999, 10_000])
LIMIT = st.sampled_from([None, None, 0, 251, 1000, 10_000])
NOON = datetime(2100, 3, 1, 12, tzinfo=UTC)


def code_of(command: Command) -> str | None:
    """The code of a command's refusal, stored on its row or raised."""
    try:
        result = run(command)
    except BankError as error:
        return error.code
    return getattr(result, "failure_code", None) or None


def money(cents: int) -> Decimal:
    return Decimal(cents) / 100


@dataclass(slots=True)
class Payment:
    transaction_id: UUID
    payer: str
    payee: str | None
    cents: int
    day: int
    is_reversed: bool = False


class BankMachine(RuleBasedStateMachine):
    """Every rule does the same to the bank and to the model, and expects the same result."""

    accounts = Bundle("accounts")
    holds = Bundle("holds")
    payments = Bundle("payments")
    travel: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.moves = 0
        self.day = 0

    @rule(target=accounts, limit=st.sampled_from([0, 0, 500]))
    def open(self, limit: int) -> str:
        account_id = str(
            run(OpenAccount(name="Ada", currency="USD", overdraft_limit=money(limit))).id
        )
        self.model.open(account_id, limit=limit)
        return account_id

    def _pay(self, command: Command, payer: str, payee: str | None, cents: int) -> Any:
        """A payment, for the bundle of those that can be reversed."""
        expected = self.model.move(payer, payee, cents)
        row = run(command)
        assert (row.failure_code or None) == expected
        self.moves += 1
        return multiple() if expected else Payment(row.id, payer, payee, cents, self.day)

    @rule(account_id=accounts, cents=CENTS)
    def deposit(self, account_id: str, cents: int) -> None:
        command = Deposit(account_id=UUID(account_id), amount=money(cents))
        assert code_of(command) == self.model.move(None, account_id, cents)
        self.moves += 1

    @rule(target=payments, account_id=accounts, cents=CENTS)
    def withdraw(self, account_id: str, cents: int) -> Any:
        return self._withdraw(account_id, cents)

    @rule(target=payments, account_id=accounts)
    def withdraw_everything(self, account_id: str) -> Any:
        balance = self.model.accounts[account_id].balance
        return self._withdraw(account_id, balance) if balance > 0 else multiple()

    def _withdraw(self, account_id: str, cents: int) -> Any:
        command = Withdraw(account_id=UUID(account_id), amount=money(cents))
        return self._pay(command, account_id, None, cents)

    @rule(target=payments, payer=accounts, payee=accounts, cents=CENTS)
    def transfer(self, payer: str, payee: str, cents: int) -> Any:
        command = Transfer(
            account_id=UUID(payer), target_account_id=UUID(payee), amount=money(cents)
        )
        if payer == payee:
            assert code_of(command) == "same_account"
            return multiple()
        return self._pay(command, payer, payee, cents)

    @rule(payment=payments)
    def reverse(self, payment: Payment) -> None:
        """A payment of the day that is reversed counts no longer against the limits."""
        command = Reverse(transaction_id=payment.transaction_id, reason="a reason")
        if payment.is_reversed:
            assert code_of(command) == "already_reversed"
            return
        expected = self.model.reverse(
            payment.payer, payment.payee, payment.cents, is_of_today=payment.day == self.day
        )
        assert code_of(command) == expected
        payment.is_reversed = expected is None
        self.moves += 1

    @rule(target=holds, payer=accounts, payee=st.one_of(st.none(), accounts), cents=CENTS)
    def hold(self, payer: str, payee: str | None, cents: int) -> Any:
        payee = None if payee == payer else payee
        target_id = None if payee is None else UUID(payee)
        command = PlaceHold(
            account_id=UUID(payer),
            target_account_id=target_id,
            amount=money(cents),
            expires_at=clock.now() + timedelta(days=360),  # Longer than any run.
        )
        expected = self.model.hold(payer, payee, cents)
        if expected:
            assert code_of(command) == expected
            return multiple()
        hold_id = str(run(command).pk)
        self.model.holds[hold_id] = ModelHold(payer, payee, cents)
        return hold_id

    @rule(hold_id=holds, cents=CENTS, final=st.booleans())
    def capture(self, hold_id: str, cents: int, final: bool) -> None:
        command = Capture(hold_id=UUID(hold_id), amount=money(cents), final=final)
        expected = self.model.capture(hold_id, cents, final=final)
        assert code_of(command) == expected
        self.moves += expected is None

    @rule(hold_id=holds)
    def void(self, hold_id: str) -> None:
        assert code_of(VoidHold(hold_id=UUID(hold_id))) == self.model.void(hold_id)

    @rule(account_id=accounts, scope=st.sampled_from(FreezeScope))
    def freeze(self, account_id: str, scope: FreezeScope) -> None:
        command = FreezeAccount(account_id=UUID(account_id), scope=scope, reason="a reason")
        assert code_of(command) == self.model.freeze(account_id, scope.value)

    @rule(account_id=accounts)
    def unfreeze(self, account_id: str) -> None:
        command = UnfreezeAccount(account_id=UUID(account_id), reason="a reason")
        assert code_of(command) == self.model.unfreeze(account_id)

    @rule(account_id=accounts, limit=st.sampled_from([0, 250, 1000, 10_000]))
    def change_limit(self, account_id: str, limit: int) -> None:
        command = ChangeOverdraftLimit(
            account_id=UUID(account_id), overdraft_limit=money(limit), reason="a reason"
        )
        assert code_of(command) == self.model.change_limit(account_id, limit)

    @rule(account_id=accounts, most=LIMIT, daily=LIMIT, count=st.sampled_from([None, 0, 1, 2]))
    def set_limits(
        self, account_id: str, most: int | None, daily: int | None, count: int | None
    ) -> None:
        command = ChangeLimits(
            account_id=UUID(account_id),
            max_amount=None if most is None else money(most),
            daily_amount=None if daily is None else money(daily),
            daily_count=count,
            reason="a reason",
        )
        assert code_of(command) == self.model.set_limits(account_id, most, daily, count)

    @rule()
    def next_day(self) -> None:
        """The counters of the day begin at zero."""
        self.travel.shift(timedelta(days=1))
        self.day += 1
        self.model.next_day()

    @rule(account_id=accounts)
    def close(self, account_id: str) -> None:
        command = CloseAccount(account_id=UUID(account_id), reason="a reason")
        assert code_of(command) == self.model.close(account_id)

    @rule(kept=st.sampled_from([0, 1, 3]), batch_size=st.sampled_from([1, 2, 100]))
    def archive(self, kept: int, batch_size: int) -> None:
        """Changes no result, so the model ignores it."""
        archive(
            Selection(keep_last=kept, include_failed=kept == 0),
            origin=ORIGIN,
            batch_size=batch_size,
        )
        report = examine_archive(connection)
        assert report.ok, "\n".join(report.lines())

    @invariant()
    def bank_and_model_agree(self) -> None:
        for account in Account.objects.filter(pk__in=list(self.model.accounts)):
            assert _shape(account) == self._expected(str(account.id))

    def _expected(self, account_id: str) -> dict[str, Any]:
        expected = self.model.accounts[account_id]
        return {
            "balance": expected.balance * UNITS_PER_CENT,
            "limit": expected.limit * UNITS_PER_CENT,
            "held": expected.held * UNITS_PER_CENT,
            "sequence": expected.sequence,
            "blocked": (expected.debits_blocked, expected.credits_blocked),
            "closed": expected.closed,
            "events": expected.changes,
        }

    @invariant()
    def books_are_in_order(self) -> None:
        """M1 to M4, L1 and A1, from the rows alone."""
        report = examine(connection)
        assert report.ok, "\n".join(report.lines())

    def teardown(self) -> None:
        """Each movement has one row, refused ones included, apart from refused captures."""
        ids = [UUID(account_id) for account_id in self.model.accounts]
        kept = Transaction.objects.filter(Q(debit_account__in=ids) | Q(credit_account__in=ids))
        assert kept.count() == self.moves


def _shape(account: Account) -> dict[str, Any]:
    assert account.balance is not None
    return {
        "balance": to_units(account.balance),
        "limit": to_units(account.overdraft_limit),
        "held": to_units(account.held),
        "sequence": account.last_sequence,
        "blocked": (account.debits_blocked, account.credits_blocked),
        "closed": account.is_closed,
        "events": AccountEvent.objects.filter(account=account).count(),
    }


@pytest.fixture
def travelling() -> Iterator[None]:
    """The machine turns the bank's clock on to the next noon, and never back."""
    with time_machine.travel(NOON) as BankMachine.travel:
        yield


@pytest.mark.django_db
@pytest.mark.usefixtures("travelling")
def test_no_sequence_of_operations_breaks_the_bank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(django_settings, "DATA_DIR", tmp_path)
    machine = seed(test_seed.seed())(BankMachine)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate, Phase.shrink],
        ),
    )
