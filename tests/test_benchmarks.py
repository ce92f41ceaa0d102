"""The benchmarks still run, count what they do, and void a run whose ledger is not right."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.cases import CASES, select
from benchmarks.goals import GOALS, Goal, Ratio, ratios
from benchmarks.measure import Moved, measure, percentile
from benchmarks.rounds import Void, require_books

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 300
# A floor of each kind, the commands, a list and HTTP on PostgreSQL; a command on SQLite.
SMOKE = ("raw.transfer", "copy.5000", "single.transfer", "list.10", "http.1", "sqlite.single")


@pytest.mark.sqlite  # Starts its own databases: once is enough.
@pytest.mark.slow
def test_a_quick_run_measures_every_kind_of_case(tmp_path):
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", path, "--only", *SMOKE]
    # What the processes run is not what coverage is asked about here, and tracing takes long.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(path.read_text())
    assert [case["name"] for case in found["cases"]] == list(SMOKE)
    for case in found["cases"]:
        assert case["transactions"] >= case["calls"] >= 1
        assert len(case["per_second_by_round"]) == 1
        assert 0 < case["p50_milliseconds"] <= case["p99_milliseconds"] <= case["max_milliseconds"]
        assert f"| {case['name']} " in run.stdout
    assert [(ratio["of"], ratio["to"]) for ratio in found["ratios"]] == [
        ("single.transfer", "raw.transfer")
    ]
    # 50 opening deposits, then what the cases recorded and their warm-up; COPY fills its own table.
    recorded = sum(
        case["transactions"]
        for case in found["cases"]
        if case["bank"] == "postgresql" and case["name"] != "copy.5000"
    )
    assert found["transactions_stored"]["postgresql"] > 50 + recorded
    assert found["server_settings"]["fsync"] == "on"
    assert found["server_settings"]["synchronous_commit"] == "on"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_names_a_job_that_takes_its_options(case):
    module, _, function = case.job.rpartition(".")
    job = getattr(importlib.import_module(f"benchmarks.jobs.{module}"), function)
    inspect.signature(job).bind("target", 1.0, **case.options)


def test_names_of_cases_are_unique_and_goals_know_them():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    for goal in GOALS:
        assert {goal.of, goal.to} <= set(names)


def test_cases_are_selected_by_name_or_by_what_begins_it():
    assert [case.name for case in select(["list.10", "pgbench"])] == [
        "pgbench.1",
        "pgbench.8",
        "list.10",
    ]
    assert select([]) == list(CASES)
    with pytest.raises(KeyError, match="lis"):
        select(["lis"])


def test_a_ratio_is_the_median_within_rounds():
    # In the third round the machine was ten times as fast: 0.5, 0.8 and 0.4.
    rates = {"single.transfer": [1.0, 2.0, 20.0], "raw.transfer": [2.0, 2.5, 50.0]}
    (ratio,) = ratios(rates)
    assert ratio == Ratio(Goal("single.transfer", "raw.transfer", at_least=0.5), 0.5)


@pytest.mark.parametrize(
    ("value", "at_least", "is_met"),
    [(0.5, 0.5, True), (0.451, 0.5, True), (0.449, 0.5, False), (0.1, None, None)],
)
def test_a_goal_is_met_within_a_tenth(value, at_least, is_met):
    assert Ratio(Goal("one", "other", at_least), value).is_met is is_met


@pytest.mark.parametrize("found", [Moved(11, 700), Moved(9, 700), Moved(10, 701)])
def test_a_run_is_void_if_the_books_differ(found):
    require_books("list.10", Moved(10, 700), Moved(10, 700))
    with pytest.raises(Void, match=r"After list\.10 .* Moved\(transactions=10, paid_in=700\)"):
        require_books("list.10", Moved(10, 700), found)


def test_a_slice_times_calls_and_counts_the_warm_up_too():
    calls = []

    def call(number):
        calls.append(number)
        return Moved(transactions=3, paid_in=-7)

    numbers = iter(range(1_000_000))
    measured = measure(lambda: next(numbers), call, seconds=0.002)
    timed = len(measured.latencies)
    assert 1 <= timed < len(calls)
    assert measured.transactions == 3 * timed
    assert measured.moved == Moved(3 * len(calls), -7 * len(calls))
    assert measured.seconds == sum(measured.latencies) >= 0.002
    assert measured.rate == measured.transactions / measured.seconds


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1.0), (50, 3.0), (60, 3.0), (61, 4.0), (99, 5.0), (100, 5.0)]
)
def test_percentiles_are_values_that_occurred(percent, value):
    assert percentile([5.0, 1.0, 4.0, 2.0, 3.0], percent) == value
