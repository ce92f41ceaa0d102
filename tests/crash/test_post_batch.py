"""A killed `post_batch`: the next run completes the file, and posts nothing twice."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.failpoints import FAILPOINTS
from tests.assertions import nothing_changes
from tests.crash.processes import ROOT
from tests.factories import make_account
from transactions.tests.jobs.test_post_batch import HEADER, balance, results, run

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = ("post_batch.committed", "post_batch.half_recorded", "post_batch.recorded")


def test_every_failpoint_is_killed_below() -> None:
    assert Counter(POINTS) == Counter(n for n in FAILPOINTS if n.startswith("post_batch."))


@pytest.mark.parametrize("failpoint", [*POINTS, "process.written"])
def test_a_run_that_is_killed_is_continued_by_the_next(
    environment: dict[str, str], tmp_path: Path, failpoint: str
) -> None:
    ada = make_account(balance=5)
    path = tmp_path / "killed.csv"
    path.write_text(HEADER + f"DEPOSIT,{ada.id},,1.00,,\n" * 8)
    command = [sys.executable, "manage.py", "post_batch", str(path)]
    armed = environment | {"BANK_FAILPOINTS": f"{failpoint}=kill"}
    killed = subprocess.run(command, cwd=ROOT, env=armed, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert run(path)[0] == 0
    assert balance(ada) == 13
    assert [each["balance_after"] for each in results(path)] == [
        f"{units}.00" for units in range(6, 14)
    ]
    with nothing_changes():
        assert run(path)[0] == 0
