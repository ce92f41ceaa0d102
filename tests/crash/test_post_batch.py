"""A killed `post_batch`: the next run completes the file, and posts nothing twice."""

import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection

from accounts.models import Account
from core.failpoints import FAILPOINTS
from tests.assertions import nothing_changes
from tests.crash.processes import ROOT
from tests.factories import make_account, make_hold
from transactions.models import Hold
from transactions.tests.jobs.test_post_batch import HEADER, balance, results, run
from transactions.verifier import examine

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = ("post_batch.committed", "post_batch.half_recorded", "post_batch.recorded")


def test_every_failpoint_is_killed_below() -> None:
    assert Counter(POINTS) == Counter(n for n in FAILPOINTS if n.startswith("post_batch."))


@pytest.mark.parametrize("failpoint", ["process.written", "post_batch.committed"])
def test_holds_of_a_killed_run_are_placed_captured_and_voided_once(
    environment: dict[str, str], tmp_path: Path, failpoint: str
) -> None:
    ada = make_account(balance=50)
    paid, voided = make_hold(ada, 20), make_hold(ada, 4)
    path = tmp_path / "killed.csv"
    path.write_text(
        "type,account_id,amount,hold_id\n"
        f"HOLD,{ada.id},7.00,\nCAPTURE,,12.50,{paid.pk}\nVOID,,,{voided.pk}\n"
    )
    command = [sys.executable, "manage.py", "post_batch", str(path)]
    armed = environment | {"BANK_FAILPOINTS": f"{failpoint}=kill"}
    killed = subprocess.run(command, cwd=ROOT, env=armed, capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr
    assert run(path)[0] == 0
    was_committed = failpoint == "post_batch.committed"
    assert [each["replayed"] for each in results(path)] == [was_committed] * 3
    account = Account.objects.get(pk=ada.pk)
    assert (account.balance, account.held) == (Decimal("37.50"), Decimal("14.50"))
    assert Hold.objects.count() == 3
    assert examine(connection).ok


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
