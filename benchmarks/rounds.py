"""Runs every case for a slice in each round, in a new order each time, and keeps the books.

A machine that gets slower or faster, and a ledger that grows, meet all cases alike.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from benchmarks.banks import Bank
from benchmarks.cases import Case
from benchmarks.measure import Moved, Slice
from benchmarks.plan import Plan
from benchmarks.target import CannotMeasure

Tell = Callable[[str], None]


class Void(Exception):
    """The ledger is not what the cases should have left, so their figures mean nothing."""


def run(
    banks: Mapping[str, Bank], cases: Sequence[Case], plan: Plan, tell: Tell
) -> dict[str, list[Slice]]:
    """The slices of each case, by its name, in the order of the rounds.

    A case that this machine cannot measure is told of and left out. After each slice the bank has
    the transactions and the total of balances that the case says it left. At the end every bank
    passes the verifier, and one that is restored does so after each slice. Else this raises Void.
    """
    slices: dict[str, list[Slice]] = {case.name: [] for case in cases}
    for number in range(1, plan.rounds + 1):
        runnable = [case for case in cases if case.name in slices and not case.once]
        Random().shuffle(runnable)  # noqa: S311 - an order, not a secret
        if number == plan.rounds:
            runnable += [case for case in cases if case.once]
        for case in runnable:
            try:
                measured = _slice(banks[case.bank], case, plan.seconds)
            except CannotMeasure as error:
                tell(f"SKIPPED {case.name}: {error}")
                del slices[case.name]
                continue
            slices[case.name].append(measured)
            tell(f"round {number} of {plan.rounds}: {case.name} {measured.rate:,.0f}/s")
    for name, bank in banks.items():
        tell(f"verifying the ledger on {name}")
        _require_clean(name, bank)
    return slices


def _slice(bank: Bank, case: Case, seconds: float) -> Slice:
    before = bank.books()
    measured = bank.run(case, seconds)
    require_books(case.name, before + measured.moved, bank.books())
    if bank.is_restored:
        _require_clean(case.name, bank)
        bank.restore()
    return measured


def require_books(name: str, expected: Moved, found: Moved) -> None:
    """Raises Void unless the bank has exactly what it should have after the case."""
    if found != expected:
        raise Void(f"After {name} the bank has {found}, where {expected} was expected.")


def _require_clean(name: str, bank: Bank) -> None:
    if lines := bank.findings():
        raise Void(f"The verifier finds on or after {name}:\n" + "\n".join(lines))
