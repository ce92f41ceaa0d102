"""The benchmarks run, count what they do, and void a run whose ledger is wrong."""

import importlib
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks import report, tables
from benchmarks.cases import CASES, GROWN, GROWTH, MILLION, NoSuchCase, select
from benchmarks.goals import GOALS, LIMITS, RATE, Goal, Ratio, limits, ratios
from benchmarks.jobs.choices import HOT, ZIPF, Choice
from benchmarks.jobs.connection import Connection
from benchmarks.measure import Moved, measure, percentile
from benchmarks.plan import FULL, QUICK, QUICK_GROWTH
from benchmarks.plan import GROWTH as GROWTH_PLAN
from benchmarks.rounds import Void, require_books
from benchmarks.target import People, Target

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 300
# Floors of each kind; a command, a list and the queue; HTTP on a new bank, with its floor, and on a
# bank with a past; a page, reads and a file; and the other database.
SMOKE = (
    "raw.transfer", "copy.5000", "single.transfer", "list.10", "queue.drain", "http.floor.8",
    "http.8.key", "1m.http.8", "history.1000", "read.account",
    "read.account.304", "read.history", "read.history.busy", "1m.export", "sqlite.single.transfer",
)  # fmt: skip
# One deposit each for the 50 accounts and the busy one.
DEPOSITS = 51
# Of a bank with a past: a page of the console, a verification, and a read.
GROWN_SMOKE = ("grown.read.statistics", "grown.console.today", "grown.verify.since_seal")
EVERY_CASE = list({case.name: case for case in (*CASES, *GROWTH)}.values())


@pytest.mark.sqlite  # It starts its own databases, so one run is enough.
@pytest.mark.slow
def test_a_quick_run_measures_every_kind_of_case(tmp_path):
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", path, "--only", *SMOKE]
    # Coverage does not count the code of these processes, and tracing takes long.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(path.read_text())
    missing = found["not_measured"]
    assert [case["name"] for case in found["cases"]] == [n for n in SMOKE if n not in missing]
    # The run says so while the bank sends no ETag; nothing else may be missing.
    assert missing in ({}, {"read.account.304": "The bank sends no ETag with an account."})
    assert all(f"NOT MEASURED {name}: " in run.stdout for name in missing)
    for case in found["cases"]:
        assert case["transactions"] >= case["calls"] >= 1
        assert len(case["per_second_by_round"]) == 1
        assert 0 < case["p50_milliseconds"] <= case["p99_milliseconds"] <= case["max_milliseconds"]
        assert f"| {case['name']} " in run.stdout
        times = (case["server_milliseconds"], case["database_milliseconds"])
        assert (None in times) is not case["uses_http"]
    compared = [(ratio["of"], ratio["to"]) for ratio in found["ratios"]]
    assert [pair for pair in compared if "read.account.304" not in pair] == [
        ("single.transfer", "raw.transfer"),
        ("queue.drain", "single.transfer"),
        ("read.history.busy", "read.history"),
        ("read.history", "read.account"),
    ]
    limits_found = [(limit["figure"], limit["of"]) for limit in found["limits"]]
    assert limits_found == [("web_growth_megabytes", None), ("peak_megabytes", "1m.export")]
    # One bank is restored after each case. The others keep their past, the load and its warm-up.
    recorded = {case["name"]: case["transactions"] for case in found["cases"]}
    stored = found["transactions_stored"]
    assert stored["postgresql"] == DEPOSITS
    assert stored["1m"] > QUICK.stored[MILLION] + DEPOSITS + recorded["1m.http.8"]
    assert stored["sqlite"] > DEPOSITS + recorded["sqlite.single.transfer"]
    assert found["server_settings"]["fsync"] == "on"
    assert found["server_settings"]["synchronous_commit"] == "on"


@pytest.mark.sqlite
@pytest.mark.slow
def test_a_quick_run_of_growth_fills_a_bank_that_the_verifier_accepts(tmp_path):
    path = tmp_path / "result.json"
    command = [sys.executable, "-m", "benchmarks", "--growth", "--quick", "--stored", "4000",
               "--json", path, "--only", *GROWN_SMOKE]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    run = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True,
        timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found = json.loads(path.read_text())
    assert sorted(case["name"] for case in found["cases"]) == sorted(GROWN_SMOKE)
    # What is stored, a deposit for each account, and the transfers after the last seal.
    assert found["transactions_stored"] == {GROWN: 4000 + DEPOSITS + 500}
    (journal,) = (one for one in found["sizes"] if one["name"] == "transactions_transaction")
    assert journal["rows"] == 4000 + DEPOSITS
    assert journal["bytes"] > 0
    assert found["upkeep"] == []


@pytest.mark.parametrize("case", EVERY_CASE, ids=lambda case: case.name)
def test_every_case_names_a_job_that_takes_its_options(case):
    module, _, function = case.job.rpartition(".")
    job = getattr(importlib.import_module(f"benchmarks.jobs.{module}"), function)
    inspect.signature(job).bind("target", 1.0, **case.options)


def test_names_of_cases_are_unique_and_goals_know_them():
    for cases in (CASES, GROWTH):
        assert len({case.name for case in cases}) == len(cases)
    names = [case.name for case in EVERY_CASE]
    for goal in GOALS:
        assert {goal.of, goal.to} <= set(names)
    assert {limit.of for limit in LIMITS} <= {None, *names}


def test_a_run_has_at_least_five_rounds_and_a_million_transactions_stored():
    assert FULL.rounds >= 5
    assert FULL.stored[MILLION] == 1_000_000
    assert GROWTH_PLAN.rounds >= 5
    assert GROWTH_PLAN.stored[GROWN] == 10_000_000


def test_each_case_of_a_large_bank_has_a_goal_beside_a_small_one():
    goals = {goal.of: goal for goal in GOALS}
    grown = [case for case in GROWTH if case.bank == GROWN]
    assert len(grown) == 13
    for case in grown:
        goal = goals[case.name]
        assert (goal.to, goal.at_least) == (case.name.removeprefix("grown."), 0.8)
        assert goal.to in {each.name for each in GROWTH}
    assert set(QUICK_GROWTH.stored) == set(GROWTH_PLAN.stored)


def test_sizes_are_shown_by_row_and_small_ones_left_out():
    found = {"sizes": [
        {"name": "journal", "table": "journal", "bytes": 40_000_000, "rows": 100_000},
        {"name": "small", "table": "small", "bytes": 999_999, "rows": 9},
        {"name": "empty", "table": "empty", "bytes": 9_000_000, "rows": 0},
    ]}  # fmt: skip
    assert tables.sizes(found)[2:] == [
        "| journal        | 100,000           | 40.0 | 400.0       |"
    ]
    assert tables.sizes({}) == []


def test_cases_are_selected_by_name_or_by_what_begins_it():
    assert [case.name for case in select(["list.10", "pgbench"])] == [
        "pgbench.1",
        "pgbench.8",
        "list.10",
    ]
    assert select([]) == list(CASES)
    with pytest.raises(NoSuchCase, match="lis"):
        select(["lis"])


def test_a_ratio_is_the_median_within_rounds():
    # In the third round the machine was ten times as fast. The ratios are 0.5, 0.8 and 0.4.
    rates = {"single.transfer": [1.0, 2.0, 20.0], "raw.transfer": [2.0, 2.5, 50.0]}
    (ratio,) = ratios({RATE: rates})
    assert ratio == Ratio(Goal("single.transfer", "raw.transfer", at_least=0.6), 0.5)


@pytest.mark.parametrize(
    ("value", "at_least", "is_met"),
    [(0.5, 0.5, True), (0.451, 0.5, True), (0.449, 0.5, False), (0.1, None, None)],
)
def test_a_goal_is_met_within_a_tenth(value, at_least, is_met):
    assert Ratio(Goal("one", "other", at_least), value).is_met is is_met


@pytest.mark.parametrize(("growth", "is_met"), [(60.0, True), (60.1, False)])
def test_a_limit_has_no_tolerance(growth, is_met):
    ((limit, value),) = limits({"web_growth_megabytes": growth}, [])
    assert (value <= limit.at_most) is is_met
    assert limits({"web_growth_megabytes": None}, []) == []


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


def _target(accounts):
    return Target(people=People([UUID(int=n) for n in range(accounts)], UUID(int=999), "token"))


def test_accounts_by_zipf_are_chosen_in_proportion_to_their_rank():
    choice = Choice(_target(3), ZIPF)
    chosen = Counter(choice.account().int for _ in range(60_000))
    # 6, 3 and 2 of 11; the tolerance is ten standard deviations.
    assert [chosen[rank] / 60_000 for rank in range(3)] == pytest.approx(
        [6 / 11, 3 / 11, 2 / 11], abs=0.021
    )


def test_a_pair_has_two_accounts_and_one_of_them_may_be_hot():
    assert {len(set(Choice(_target(2)).pair())) for _ in range(100)} == {2}
    pairs = [Choice(_target(5), HOT).pair() for _ in range(100)]
    assert {credited.int for _, credited in pairs} == {0}
    assert {debited.int for debited, _ in pairs} == {1, 2, 3, 4}


def test_the_client_reads_answers_in_pieces_and_connects_anew_when_it_has_to():
    kept = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst"
    closed = b"HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 6\r\n\r\nsecond"
    # A length without a body.
    unchanged = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
    refused = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
    with socket.create_server(("127.0.0.1", 0)) as server:
        served = threading.Thread(
            target=_serve, args=(server, [[kept, unchanged, closed], [refused]])
        )
        served.start()
        connection = Connection(server.getsockname()[1])
        assert connection.ask(b"one") == kept
        assert connection.ask(b"known") == unchanged
        assert connection.ask(b"two") == closed
        with pytest.raises(RuntimeError, match="400 Bad Request"):
            connection.ask(b"three")
        connection.close()
        served.join()


def _serve(server, connections):
    """Sends each connection its responses, byte by byte: one for each request."""
    for answers in connections:
        client, _ = server.accept()
        with client:
            for answer in answers:
                assert client.recv(100)
                for byte in answer:
                    client.sendall(bytes([byte]))


@pytest.mark.parametrize("name", report.PAGES)
def test_pages_tell_the_figures_of_the_run_that_is_published(name):
    found = json.loads(report.PUBLISHED.read_text())
    text = (ROOT / name).read_text()
    assert report.with_figures(name, text, found) == text
    with pytest.raises(ValueError, match=name):
        report.with_figures(name, "No place.", found)
