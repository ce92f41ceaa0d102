"""Runs every case for one slice per round, in random order, and checks the books.

So a change in the machine's speed, or a growing ledger, affects all cases alike.
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

    Reports and leaves out a case that this machine cannot measure. Raises Void unless, after each
    slice, the bank's transactions and total balance match those reported by the case, and unless
    every bank passes the verifier at the end, and a restored one after each slice.
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
    """Raises Void unless the bank's books are exactly as expected after the case."""
    if found != expected:
        raise Void(f"After {name} the bank has {found}, where {expected} was expected.")


def _require_clean(name: str, bank: Bank) -> None:
    if lines := bank.findings():
        raise Void(f"The verifier finds on or after {name}:\n" + "\n".join(lines))
