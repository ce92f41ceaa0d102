"""Any sequence of operations on a few accounts agrees with the model and breaks no invariant.

Hypothesis searches for one that does not, and shrinks it to the shortest one.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
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
    ChangeOverdraftLimit,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    UnfreezeAccount,
)
from accounts.models import Account, AccountEvent
from accounts.states import FreezeScope
from core.commands import Command
from core.errors import BankError
from core.money import to_units
from tests import seed as test_seed
from tests.concurrency.model import Model, ModelHold
from tests.concurrency.tally import SCALE
from tests.factories import ORIGIN, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Capture, Deposit, PlaceHold, Transfer, VoidHold, Withdraw
from transactions.models import Transaction
from transactions.verifier import examine
from transactions.verifier.archive_file import examine_archive

EXAMPLES = 6 * SCALE
STEPS = 25
UNITS_PER_CENT = 100

# Few and small values, so that amounts meet balances and limits exactly.
CENTS = st.sampled_from([1, 250, 251, 1000, 4999, 10_000])


def code_of(command: Command) -> str | None:
    """The code of a command's refusal, stored on its row or raised."""
    try:
        result = run(command)
    except BankError as error:
        return error.code
    return getattr(result, "failure_code", None) or None


def money(cents: int) -> Decimal:
    return Decimal(cents) / 100


class BankMachine(RuleBasedStateMachine):
    """Every rule does the same to the bank and to the model, and expects the same result."""

    accounts = Bundle("accounts")
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.moves = 0

    @rule(target=accounts, limit=st.sampled_from([0, 0, 500]))
    def open(self, limit: int) -> str:
        account_id = str(
            run(OpenAccount(name="Ada", currency="USD", overdraft_limit=money(limit))).id
        )
        self.model.open(account_id, limit=limit)
        return account_id

    def _move(
        self, command: Command, debited: str | None, credited: str | None, cents: int
    ) -> None:
        assert code_of(command) == self.model.move(debited, credited, cents)
        self.moves += 1

    @rule(account_id=accounts, cents=CENTS)
    def deposit(self, account_id: str, cents: int) -> None:
        command = Deposit(account_id=UUID(account_id), amount=money(cents))
        self._move(command, None, account_id, cents)

    @rule(account_id=accounts, cents=CENTS)
    def withdraw(self, account_id: str, cents: int) -> None:
        command = Withdraw(account_id=UUID(account_id), amount=money(cents))
        self._move(command, account_id, None, cents)

    @rule(account_id=accounts)
    def withdraw_everything(self, account_id: str) -> None:
        if (balance := self.model.accounts[account_id].balance) > 0:
            self.withdraw(account_id, balance)

    @rule(payer=accounts, payee=accounts, cents=CENTS)
    def transfer(self, payer: str, payee: str, cents: int) -> None:
        command = Transfer(
            account_id=UUID(payer), target_account_id=UUID(payee), amount=money(cents)
        )
        if payer == payee:
            assert code_of(command) == "same_account"
        else:
            self._move(command, payer, payee, cents)

    @rule(target=holds, payer=accounts, payee=st.one_of(st.none(), accounts), cents=CENTS)
    def hold(self, payer: str, payee: str | None, cents: int) -> Any:
        payee = None if payee == payer else payee
        target_id = None if payee is None else UUID(payee)
        command = PlaceHold(
            account_id=UUID(payer), target_account_id=target_id, amount=money(cents)
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


@pytest.mark.django_db
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
