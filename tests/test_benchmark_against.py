"""Two commits are measured in turns, each by its own code, and nothing of the other one remains."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from concurrent.futures import Executor, Future
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from benchmarks.against import AFTER, BEFORE, lines, ratios, results, run
from benchmarks.banks import Bank, Code, call_job, new_process
from benchmarks.cases import Case, select
from benchmarks.earlier import CannotCompare, checked_out, full_id, require_environment, unmet
from benchmarks.jobs.commands import post
from benchmarks.measure import Moved, Slice
from benchmarks.plan import Plan
from benchmarks.rounds import Void
from benchmarks.target import People, Target
from tests.conftest import NO_UPGRADE
from tests.factories import make_account
from tests.history import NotInHistory, id_of

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT_SECONDS = 300
SINGLE = select(["single.transfer"])


@pytest.fixture(scope="module")
def head():
    try:
        return id_of("HEAD")
    except NotInHistory as error:
        pytest.skip(f"{NO_UPGRADE}: {error}")


class _Here(Executor):
    """Runs a bank's jobs in this process, on the test's database, and keeps their names."""

    def __init__(self, side, log):
        self._side, self._log = side, log

    def submit(self, function, /, *words, **options):
        assert function is call_job
        self._log.append((self._side, words[0]))
        future = Future()
        future.set_result(function(*words, **options))
        return future


@pytest.fixture
def sides(transactional_db):
    """Both sides are one bank, which has two rich accounts; and what each side was asked."""
    accounts = [make_account(balance=1_000_000) for _ in range(2)]
    target = Target(people=People([account.id for account in accounts], accounts[0].id, "token"))
    log = []
    return log, {
        side: {"postgresql": Bank(_Here(side, log), target, {}, is_restored=False)}
        for side in (BEFORE, AFTER)
    }


def test_a_case_runs_before_after_after_before_and_has_a_ratio_for_each_pair(sides):
    log, banks = sides
    slices, not_measured = run(banks, SINGLE, Plan(rounds=2, seconds=0.001), _silent)
    asked = [side for side, job in log if job == "commands.single"]
    assert asked == [BEFORE, AFTER, AFTER, BEFORE] * 2
    assert Counter(side for side, job in log if job == "books.findings") == {BEFORE: 1, AFTER: 1}
    assert not_measured == {}
    (found,) = results(SINGLE, slices)
    assert len(found["ratios"]) == 4
    assert found["before"]["transactions"] >= found["before"]["calls"] >= 4


def test_a_case_that_the_commit_before_does_not_know_is_left_out_and_named(sides):
    _, banks = sides
    unknown = Case("new.case", "A job of tomorrow", "commands.of_tomorrow")
    slices, not_measured = run(banks, [unknown, *SINGLE], Plan(rounds=2, seconds=0.001), _silent)
    assert list(slices) == ["single.transfer"]
    assert list(not_measured) == ["new.case"]
    assert "does not know it: AttributeError" in not_measured["new.case"]
    found = {"cases": results([unknown, *SINGLE], slices), "not_measured": not_measured}
    assert lines(found)[-1].startswith("NOT MEASURED new.case: the commit before does not know it")


def test_an_error_of_the_code_here_ends_the_run(sides):
    _, banks = sides
    banks[AFTER] = {"postgresql": Bank(_Failing(), Target(people=None), {}, is_restored=False)}
    with pytest.raises(ZeroDivisionError):
        run(banks, SINGLE, Plan(rounds=1, seconds=0.001), _silent)


class _Failing(Executor):
    def submit(self, function, /, *words, **options):
        future = Future()
        if words[0] == "commands.single":
            future.set_exception(ZeroDivisionError())
        else:
            future.set_result(function(*words, **options))
        return future


def test_wrong_books_of_either_side_void_the_run(sides, monkeypatch):
    _, banks = sides
    monkeypatch.setattr("benchmarks.jobs.commands.post", _telling_too_much)
    with pytest.raises(Void, match=r"After single\.transfer"):
        run(banks, SINGLE, Plan(rounds=1, seconds=0.001), _silent)


def _telling_too_much(commands):
    return post(commands) + Moved(1)


def _slice(transactions):
    return Slice(transactions=transactions, latencies=[1.0], seconds=1.0, moved=Moved())


def test_ratios_are_those_of_neighbours_and_the_median_is_shown_with_its_range():
    # Before, after, after, before: 10 to 20, and 30 to 40.
    slices = {BEFORE: [_slice(10), _slice(40)], AFTER: [_slice(20), _slice(30)]}
    assert ratios(slices) == [2.0, 0.75]
    found = {"cases": results(SINGLE, {"single.transfer": slices}), "not_measured": {}}
    *_, row = [" ".join(line.split()) for line in lines(found)]
    assert row == "| single.transfer | 25 | 25 | 1.38 | 0.75 to 2.00 | | | | |"


def test_requirements_that_are_not_installed_are_named(tmp_path):
    django = version("Django")
    requirements = (
        f"# What the bank runs on.\n-r other.txt\nDjango=={django}  # this one\n"
        "no-such-package[extra]>=1\nDjango>99\nabsent>=1; python_version < '3'\n"
    )
    faults = ["no-such-package>=1 (here is none)", f"Django>99 (here is {django})"]
    assert unmet(requirements) == faults
    assert unmet((ROOT / "requirements.txt").read_text()) == []
    (tmp_path / "requirements.txt").write_text(requirements)
    with pytest.raises(CannotCompare, match=r"needs something else: no-such-package>=1"):
        require_environment(tmp_path)


def test_the_code_of_a_commit_runs_from_a_folder_that_does_not_remain(head):
    with checked_out(head) as folder:
        assert (folder / "benchmarks" / "earlier.py").exists()  # This suite, also in old commits.
        with new_process(os.environ, Code(folder)) as executor:
            for name, root in (("core", folder), ("transactions", folder), ("benchmarks", ROOT)):
                found = executor.submit(find_spec, name).result(TIMEOUT_SECONDS)
                assert Path(found.origin).is_relative_to(root)
    assert not folder.exists()


def test_a_commit_that_does_not_exist_is_told(head):
    assert full_id("HEAD") == head
    for name in ("no-such-commit", "--all", "HEAD^{tree}"):
        with pytest.raises(CannotCompare, match="There is no commit"):
            full_id(name)


@pytest.mark.sqlite  # Starts its own databases: once is enough.
@pytest.mark.slow
def test_two_cases_are_measured_against_the_last_commit(head, tmp_path):
    path = tmp_path / "result.json"
    cases = ("single.transfer", "http.floor.8")
    done = subprocess.run(
        _command(path, *cases), cwd=ROOT, env=_environment(tmp_path), capture_output=True,
        text=True, timeout=TIMEOUT_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(path.read_text())
    assert found["against"] == head
    assert found["not_measured"] == {}
    assert [case["name"] for case in found["cases"]] == list(cases)
    for case in found["cases"]:
        assert len(case["ratios"]) == 2
        for side in (BEFORE, AFTER):
            assert len(case[side]["per_second_by_round"]) == 2
            is_timed = case[side]["server_milliseconds"] is not None
            assert is_timed is (case["name"] == "http.floor.8")
        assert f"| {case['name']} " in done.stdout
    assert list(tmp_path.glob("bank-*")) == []


@pytest.mark.sqlite
@pytest.mark.slow
def test_ctrl_c_leaves_nothing_of_a_comparison(head, tmp_path):
    with subprocess.Popen(
        _command(tmp_path / "result.json", "http.floor.8"), cwd=ROOT, env=_environment(tmp_path),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        # The banks of the other commit are complete, and those of this one begin.
        told = [next(line for line in process.stderr if "making the bank postgresql" in line)]
        assert list(tmp_path.glob("bank-benchmark-*"))
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        told += process.stderr.readlines()
        assert process.wait(TIMEOUT_SECONDS) == 128 + signal.SIGINT, told
    assert list(tmp_path.glob("bank-*")) == []
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def _command(path, *cases):
    words = ("--against", "HEAD", "--quick", "--json", path, "--only", *cases)
    return [sys.executable, "-m", "benchmarks", *words]


def _environment(folder):
    """Tracing the processes takes long. All that is temporary lies in the folder."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE_"))}
    return kept | {"TMPDIR": str(folder)}


def _silent(_line):
    pass
