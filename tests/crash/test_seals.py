"""Runs of seal_ledger that are killed at every step, and run at once.

In the end each entry is sealed once, and the file has each head once.
"""

import signal
from pathlib import Path
from typing import Any

import pytest

from core.failpoints import FAILPOINTS
from seals import keys
from seals.heads import heads_path
from seals.models import Seal
from seals.tests.sealing_bank import made, require_sealed
from tests.concurrency.tally import Tally
from tests.crash.processes import Worker, Workers
from tests.factories import deposit, make_account
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

# The step at which a run dies: whether the seal is committed by then, and lines in the file.
POINTS: dict[str, tuple[int, float]] = {
    "seal.collected": (0, 0),
    "seal.stored": (0, 0),
    "seal.ranges_stored": (0, 0),
    "seal.committed": (1, 0),
    "seal.half_appended": (1, 0.5),
    "seal.appended": (1, 1),
    "seal.synced": (1, 1),
}
OF_KEYS = ["seal.key_made", "seal.key_announced"]


def test_every_point_of_sealing_is_killed_below() -> None:
    points = [name for name in FAILPOINTS if name.startswith("seal.")]
    assert points == [*POINTS, *OF_KEYS]


@pytest.fixture
def keyed(environment: dict[str, str], settings: Any) -> Path:
    """The data folder of the processes, with a key, without the remains of earlier tests."""
    settings.DATA_DIR = Path(environment["BANK_DATA_DIR"])
    for path in settings.DATA_DIR.glob("seal*"):
        path.unlink()
    keys.make_key(keys.key_path())
    return settings.DATA_DIR  # type: ignore[no-any-return]


def sealing(workers: Workers, *words: str, failpoints: str = "") -> Worker:
    return workers.run("seal_ledger", *words, failpoints=failpoints)


@pytest.mark.parametrize("earlier", [0, 1])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_step(
    point: str, earlier: int, queue_workers: Workers, keyed: Path, tally: Tally
) -> None:
    account = make_account(balance=5)
    for _ in range(earlier):
        made()
        deposit(account, 1)
    size = heads_path().stat().st_size if earlier else 0
    killed = sealing(queue_workers, failpoints=f"{point}=kill")
    assert killed.exit_code() == -signal.SIGKILL
    tally.add("sealing runs killed")
    seals, lines = POINTS[point]
    assert Seal.objects.count() == earlier + seals
    grown = heads_path().stat().st_size - size
    assert grown == 0 if not lines else grown > 300 * lines
    deposit(account, 2)
    assert sealing(queue_workers).exit_code() == 0
    assert Seal.objects.count() == earlier + seals + 1
    require_sealed()
    assert verify().ok


@pytest.mark.parametrize("point", OF_KEYS)
def test_killed_while_a_key_changes(
    point: str, queue_workers: Workers, keyed: Path, tally: Tally
) -> None:
    account = make_account(balance=5)
    made()
    killed = sealing(queue_workers, "--new-key", failpoints=f"{point}=kill")
    assert killed.exit_code() == -signal.SIGKILL
    tally.add("sealing runs killed")
    deposit(account, 1)
    assert sealing(queue_workers).exit_code() == 0
    announced = Seal.objects.exclude(next_public_key="").first()
    expected = announced.next_public_key if announced else Seal.objects.get(number=1).public_key
    assert Seal.objects.order_by("-number")[0].public_key == expected
    require_sealed()
    assert sealing(queue_workers, "--new-key").exit_code() == 0
    deposit(account, 1)
    assert sealing(queue_workers).exit_code() == 0
    require_sealed()


@pytest.mark.parametrize("point", ["seal.key_made", *POINTS, "seal.key_announced"])
def test_a_change_of_keys_that_was_killed_is_asked_for_again(
    point: str, queue_workers: Workers, keyed: Path, tally: Tally
) -> None:
    account = make_account(balance=5)
    made()
    killed = sealing(queue_workers, "--new-key", failpoints=f"{point}=kill")
    assert killed.exit_code() == -signal.SIGKILL
    tally.add("sealing runs killed")
    assert sealing(queue_workers, "--new-key").exit_code() == 0
    # One announcement, whichever of the two runs made it.
    announced = Seal.objects.exclude(next_public_key="").get()
    assert keys.public_of(keys.read_key(keys.key_path())) == announced.next_public_key
    deposit(account, 1)
    assert sealing(queue_workers).exit_code() == 0
    assert Seal.objects.order_by("-number")[0].public_key == announced.next_public_key
    require_sealed()
    assert verify().ok


def test_the_second_of_two_is_told_and_the_first_goes_on(
    queue_workers: Workers, keyed: Path
) -> None:
    account = make_account(balance=5)
    first = sealing(queue_workers, failpoints="seal.collected=stop")
    first.until_stopped()
    # What commits meanwhile is for the next seal.
    deposit(account, 1)
    second = sealing(queue_workers)
    assert second.exit_code() == 3
    assert second.log.read_text() == "Another run of seal_ledger is going on.\n"
    first.resume()
    assert first.exit_code() == 0
    assert Seal.objects.get().entries == 1
    made()
    require_sealed()
