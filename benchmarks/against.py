"""Two commits in one run: each case in turns, before, after, after, before.

Both have banks of their own on one PostgreSQL server, and the same suite measures both. So a change
in the machine's speed affects both alike.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.banks import Bank, Code, new_banks
from benchmarks.cases import Case
from benchmarks.earlier import CannotCompare, checked_out
from benchmarks.figures import case_figures
from benchmarks.goals import RATE, SERVER_TIME
from benchmarks.measure import Slice
from benchmarks.plan import Plan
from benchmarks.rounds import Tell, Void, cases_of_round, one_slice, verify
from benchmarks.tables import table
from benchmarks.target import CannotMeasure
from tests.postgresql import PostgresqlServer

BEFORE, AFTER = "before", "after"
_TURNS = (BEFORE, AFTER, AFTER, BEFORE)
_DATABASE_TIME = "database_milliseconds"

# By the case's name, the slices of each side in the order in which they ran.
Slices = dict[str, dict[str, list[Slice]]]
Sides = Mapping[str, Mapping[str, Bank]]


def compare(
    commit: str,
    server: PostgresqlServer | None,
    cases: Sequence[Case],
    plan: Plan,
    tell: Tell,
) -> dict[str, Any]:
    """The figures of the cases before, at the commit, and after, in this folder.

    Raises CannotCompare, and Void as `rounds.run` does.
    """
    with ExitStack() as stack:
        earlier = Code(stack.enter_context(checked_out(commit)), f"{BEFORE}_")
        try:
            before = stack.enter_context(new_banks(server, cases, plan, tell, earlier))
        except Exception as error:
            raise CannotCompare(f"This suite can make no bank of {commit}: {error!r}") from error
        after = stack.enter_context(new_banks(server, cases, plan, tell))
        slices, not_measured = run({BEFORE: before, AFTER: after}, cases, plan, tell)
    return {"not_measured": not_measured, "cases": results(cases, slices)}


def run(
    sides: Sides, cases: Sequence[Case], plan: Plan, tell: Tell
) -> tuple[Slices, dict[str, str]]:
    """The slices, and the reasons for the cases that one of the sides could not run."""
    slices: Slices = {case.name: {BEFORE: [], AFTER: []} for case in cases}
    not_measured: dict[str, str] = {}
    for number in range(1, plan.rounds + 1):
        for case in cases_of_round(number, plan, cases, slices):
            try:
                _in_turns(sides, case, plan, slices[case.name])
            except CannotMeasure as error:
                tell(f"SKIPPED {case.name}: {error}")
                not_measured[case.name] = str(error)
                del slices[case.name]
                continue
            ratio = median(ratios(slices[case.name]))
            tell(f"round {number} of {plan.rounds}: {case.name} {ratio:.2f} so far")
    for banks in sides.values():
        verify(banks, tell)
    return slices, not_measured


def _in_turns(sides: Sides, case: Case, plan: Plan, slices: Mapping[str, list[Slice]]) -> None:
    for side in _TURNS[:2] if case.once else _TURNS:
        bank = sides[side][case.bank]
        try:
            measured = one_slice(bank, case, plan.seconds)
        except (Void, CannotMeasure, BrokenExecutor):
            raise
        except Exception as error:
            if side == AFTER:
                raise
            # The case asks for something that the code does not have yet.
            if bank.is_restored:
                bank.restore()
            raise CannotMeasure(f"the commit before does not know it: {error!r:.200}") from error
        slices[side].append(measured)


def ratios(slices: Mapping[str, Sequence[Slice]]) -> list[float]:
    """Rate after by rate before, of slices that ran next to each other."""
    pairs = zip(slices[BEFORE], slices[AFTER], strict=True)
    return [after.rate / before.rate for before, after in pairs]


def results(cases: Sequence[Case], slices: Slices) -> list[dict[str, Any]]:
    """For JSON: of each measured case its ratios, and the figures of both sides."""
    return [
        {
            "name": case.name,
            "title": case.title,
            "ratio": round(median(found), 3),
            "ratios": [round(ratio, 3) for ratio in found],
            **{side: case_figures(case, slices[case.name][side]) for side in (BEFORE, AFTER)},
        }
        for case in cases
        if case.name in slices
        for found in [ratios(slices[case.name])]
    ]


def lines(found: Mapping[str, Any]) -> list[str]:
    """The comparison as a table in Markdown, with the cases that are missing in it."""
    heads = (
        *("case", "before, per second", "after", "after / before", "range"),
        *("server ms before", "after", "PostgreSQL ms before", "after"),
    )
    rows = [
        (
            case["name"],
            *(f"{case[side][RATE]:,.0f}" for side in (BEFORE, AFTER)),
            f"{case['ratio']:.2f}",
            f"{min(case['ratios']):.2f} to {max(case['ratios']):.2f}",
            *(
                "" if case[side][figure] is None else f"{case[side][figure]:.2f}"
                for figure in (SERVER_TIME, _DATABASE_TIME)
                for side in (BEFORE, AFTER)
            ),
        )
        for case in found["cases"]
    ]
    missing = [f"NOT MEASURED {name}: {why}" for name, why in found["not_measured"].items()]
    return table(heads, rows) + ["", *missing] * bool(missing)
