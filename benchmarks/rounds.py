"""Runs every case for one slice per round, in random order, and checks the books.

So a change in the machine's speed, or a growing ledger, affects all cases alike.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.banks import Bank
from benchmarks.cases import Case
from benchmarks.measure import Moved, Slice
from benchmarks.plan import Plan
from benchmarks.target import CannotMeasure

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """The slices of each measured case, by its name and in the order of the rounds.

    `not_measured` has the reason for each case that could not be measured.
    """

    slices: dict[str, list[Slice]]
    not_measured: dict[str, str]


class Void(Exception):
    """The ledger is not what the cases should have left, so their figures mean nothing."""


def cases_of_round(
    number: int, plan: Plan, cases: Sequence[Case], measured: Container[str]
) -> list[Case]:
    """The cases still `measured`, in random order; in the last round then those that run once."""
    runnable = [case for case in cases if case.name in measured and not case.once]
    Random().shuffle(runnable)  # noqa: S311 - an order, not a secret
    if number == plan.rounds:
        runnable += [case for case in cases if case.once]
    return runnable


def run(banks: Mapping[str, Bank], cases: Sequence[Case], plan: Plan, tell: Tell) -> Run:
    """Reports and leaves out a case that cannot be measured here.

    Raises Void unless, after each slice, the bank's transactions and total balance match those
    reported by the case, and unless every bank passes the verifier at the end, and a restored one
    after each slice.
    """
    not_measured: dict[str, str] = {}
    slices: dict[str, list[Slice]] = {case.name: [] for case in cases}
    for number in range(1, plan.rounds + 1):
        for case in cases_of_round(number, plan, cases, slices):
            try:
                measured = one_slice(banks[case.bank], case, plan.seconds)
            except CannotMeasure as error:
                tell(f"SKIPPED {case.name}: {error}")
                not_measured[case.name] = str(error)
                del slices[case.name]
                continue
            slices[case.name].append(measured)
            tell(f"round {number} of {plan.rounds}: {case.name} {measured.rate:,.0f}/s")
    verify(banks, tell)
    return Run(slices, not_measured)


def verify(banks: Mapping[str, Bank], tell: Tell) -> None:
    """Raises Void unless every bank passes the verifier."""
    for name, bank in banks.items():
        tell(f"verifying the ledger on {name}")
        _require_clean(name, bank)


def one_slice(bank: Bank, case: Case, seconds: float) -> Slice:
    """Runs a case once. Raises Void if the books are wrong after it, and any error of the job."""
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
