"""Issuing of statements that is killed at every step, and done by two at once."""

import signal

import pytest

from core.failpoints import FAILPOINTS
from statements.models import Statement
from statements.tests.monthly_bank import make_monthly_bank, require_joined
from tests.concurrency.tally import Tally
from tests.crash.processes import Workers
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

PERIOD = "--period=2025-10"
# The step at which a run dies, and how many statements there are then.
POINTS = {"statements.drawn_up": 0, "statements.written": 0, "statements.committed": 5}


def test_every_point_is_killed_below() -> None:
    assert list(POINTS) == [name for name in FAILPOINTS if name.startswith("statements.")]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(point: str, queue_workers: Workers, tally: Tally) -> None:
    make_monthly_bank()
    killed = queue_workers.run("issue_statements", PERIOD, failpoints=f"{point}=kill")
    assert killed.exit_code() == -signal.SIGKILL
    assert Statement.objects.count() == POINTS[point]
    tally.add("issuing runs killed")
    again = queue_workers.run("issue_statements", PERIOD)
    assert (again.exit_code(), Statement.objects.count()) == (0, 5)
    require_joined()
    assert verify().ok


@pytest.mark.parametrize("point", ["statements.drawn_up", "statements.committed"])
def test_two_at_once_do_nothing_twice(point: str, queue_workers: Workers) -> None:
    """The first has added up what the second then issues."""
    make_monthly_bank()
    first = queue_workers.run("issue_statements", PERIOD, failpoints=f"{point}=stop")
    first.until_stopped()
    assert queue_workers.run("issue_statements", PERIOD).exit_code() == 0
    digests = set(Statement.objects.values_list("digest", flat=True))
    first.resume()
    assert first.exit_code() == 0
    assert set(Statement.objects.values_list("digest", flat=True)) == digests
    assert len(digests) == 5
    require_joined()
