"""A worker that was stopped past its lease continues, after another one has taken its work."""

import time

import psutil
import psycopg
import pytest
from django.db import connection

from tests.concurrency.crowd import database_url
from tests.concurrency.tally import Tally
from tests.crash.processes import Worker as Process
from tests.crash.processes import Workers, eventually
from tests.crash.test_failpoints import (
    BALANCES_AFTER,
    DONE_STATUSES,
    HELD,
    LEASE_SECONDS,
    Scene,
    events_of,
    prove,
    recover,
    scene,
)
from transactions.models import TransactionEvent

__all__ = ["scene"]

pytestmark = pytest.mark.django_db(transaction=True)


def stopped(workers: Workers, failpoint: str) -> Process:
    """A worker that was stopped at this failpoint, and whose lease has expired."""
    zombie = workers.start("--once", failpoints=f"{failpoint}=stop", lease_seconds=LEASE_SECONDS)
    zombie.until_stopped()
    time.sleep(LEASE_SECONDS)
    return zombie


def outcomes_of(scene: Scene, zombie: Process) -> tuple[int, int]:
    """The number of outcomes by the zombie, and by others."""
    outcomes = TransactionEvent.objects.filter(
        transaction_id__in=scene.ids, event__in=["COMPLETED", "FAILED"]
    )
    own = outcomes.filter(caller__endswith=f":{zombie.pid}").count()
    return own, outcomes.count() - own


def require_everything_happened_once(scene: Scene) -> None:
    assert scene.statuses() == DONE_STATUSES
    assert scene.balances() == BALANCES_AFTER
    prove()


def test_a_zombie_whose_claim_was_taken_commits_nothing(
    queue_workers: Workers, scene: Scene, tally: Tally
) -> None:
    zombie = stopped(queue_workers, "claim.committed")
    assert scene.statuses() == [HELD] * 3
    recover()
    require_everything_happened_once(scene)
    zombie.resume()
    assert zombie.exit_code() == 0, zombie.log.read_text()
    assert "Processed 0 transactions." in zombie.log.read_text()
    assert outcomes_of(scene, zombie) == (0, 3)
    for pk, outcome in zip(scene.ids, DONE_STATUSES, strict=True):
        assert events_of(pk) == ["STARTED", "LEASE_LOST", "STARTED", outcome]
    require_everything_happened_once(scene)
    tally.add("zombies")


@pytest.mark.postgresql
def test_a_zombie_that_holds_its_rows_is_left_alone_and_finishes_once(
    queue_workers: Workers, scene: Scene, tally: Tally
) -> None:
    """Nobody can take rows that it has locked: the lease is over, but it still has the claim."""
    zombie = stopped(queue_workers, "post.recorded")
    recover()
    assert scene.statuses() == [HELD] * 3
    zombie.resume()
    assert zombie.exit_code() == 0, zombie.log.read_text()
    assert outcomes_of(scene, zombie) == (3, 0)
    require_everything_happened_once(scene)
    tally.add("zombies")


@pytest.mark.postgresql
def test_a_zombie_that_was_cut_off_by_the_server_commits_nothing(
    queue_workers: Workers, scene: Scene, tally: Tally
) -> None:
    """PostgreSQL does this itself to a session that is idle in a transaction for too long."""
    zombie = stopped(queue_workers, "post.recorded")
    assert cut_off(zombie) == 1
    eventually(lambda: locks_held_by(zombie) == 0)
    recover()
    require_everything_happened_once(scene)
    zombie.resume()
    assert zombie.exit_code() == 0, zombie.log.read_text()
    assert outcomes_of(scene, zombie) == (0, 3)
    require_everything_happened_once(scene)
    tally.add("zombies")


_SESSIONS = """
    FROM pg_stat_activity
    WHERE datname = current_database() AND client_port = ANY(%s)
        AND state = 'idle in transaction'"""


def cut_off(zombie: Process) -> int:
    return _count(f"SELECT count(pg_terminate_backend(pid)) {_SESSIONS}", zombie)


def locks_held_by(zombie: Process) -> int:
    return _count(f"SELECT count(*) {_SESSIONS}", zombie)


def _count(statement: str, zombie: Process) -> int:
    ports = [held.laddr.port for held in psutil.Process(zombie.pid).net_connections(kind="inet")]
    assert connection.vendor == "postgresql"
    with psycopg.connect(database_url(), autocommit=True) as session:
        row = session.execute(statement, [ports]).fetchone()
    assert row is not None
    return int(row[0])
