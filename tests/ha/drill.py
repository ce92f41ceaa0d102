"""A bank under load on a cluster, and what customers see of each fault."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import psutil

from tests.concurrency.tally import Tally
from tests.crash.bank import Bank, bank
from tests.crash.load import Load
from tests.crash.processes import eventually, started
from tests.ha.cluster import Cluster
from tests.ha.faults import Fault
from tests.ha.restore import restore_to_a_moment

CUSTOMERS = 4
# The proof at the end reads each transaction, so the customers take their time.
PAUSE_SECONDS = 0.1
# After a fault so many requests must have their definite answer before the next one.
ANSWERS_AFTERWARDS = 20
_STORED = """
    SELECT idempotency_key, count(*) FROM transactions_transaction
    WHERE idempotency_key <> '' GROUP BY idempotency_key"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one fault: the longest time without a definite answer in seconds, and the others."""

    what: str
    gap: float
    busy: int
    unknown: int
    broken: int
    lost: int
    doubled: int


@dataclass(slots=True)
class Drill:
    """Of one bank, whose processes must be the same at the end."""

    cluster: Cluster
    bank: Bank
    load: Load
    tally: Tally
    processes: set[int]

    def measure(self, fault: Fault) -> Measured:
        """Lets the fault happen and heal. Raises AssertionError for a forbidden answer."""
        self._await_answers()
        before, began = self.tally.as_dict(), time.monotonic()
        heal = fault.happen(self.cluster)
        self._await_answers()
        heal()
        self.cluster.until_whole()
        self._await_answers()
        seen = {name: n - before.get(name, 0) for name, n in self.tally.as_dict().items()}
        lost, doubled = self._lost_and_doubled()
        return Measured(
            what=fault.what,
            gap=self._longest_gap(began),
            busy=seen.get("answers busy", 0),
            unknown=seen.get("answers outcome_unknown", 0),
            broken=seen.get("answers lost", 0),
            lost=lost,
            doubled=doubled,
        )

    def prove(self) -> None:
        """Asserts all that a crash test asserts, and that the bank needed no restart."""
        self.load.__exit__(None)
        self.bank.drain()
        assert _with_children(self.processes) == self.processes, "A process of the bank ended."
        self.bank.prove(self.load, self.tally)

    def restore(self) -> None:
        """After the proof: restores the bank to a moment, and verifies its ledger."""
        restore_to_a_moment(self.cluster, self.bank, self.load.account_ids[0])

    def _await_answers(self) -> None:
        wanted = len(self.load.answered_at) + ANSWERS_AFTERWARDS

        def came() -> bool:
            self.load.check()
            return len(self.load.answered_at) >= wanted

        eventually(came)

    def _longest_gap(self, began: float) -> float:
        times = sorted(self.load.answered_at)
        times = [one for one in times if one < began][-1:] + [one for one in times if one >= began]
        return max(later - earlier for earlier, later in pairwise(times))

    def _lost_and_doubled(self) -> tuple[int, int]:
        promised = set(self.load.promises)
        stored = dict(self.cluster.query(_STORED))
        return len(promised - stored.keys()), sum(count > 1 for count in stored.values())


@contextmanager
def drill(cluster: Cluster, folder: Path, random: Random) -> Iterator[Drill]:
    """A served bank on the cluster, with workers of the queue, under load."""
    tally = Tally()
    log = folder / "queue.log"
    with bank(folder, cluster, owner_url=cluster.owner_url) as made:
        command = [sys.executable, "manage.py", "process_transactions", "--workers=2"]
        with started(command, made.environment, log) as supervisor, made.load(tally) as load:
            eventually(lambda: len(psutil.Process(supervisor.pid).children()) == 2)
            load.pause_seconds = PAUSE_SECONDS
            load.start([random.getrandbits(32) for _ in range(CUSTOMERS)])
            processes = _with_children({supervisor.pid, made.web.pid})
            try:
                yield Drill(cluster, made, load, tally, processes)
            except BaseException:
                print(made.web.log.read_text()[-6000:], log.read_text()[-3000:], file=sys.stderr)
                raise


def _with_children(pids: set[int]) -> set[int]:
    """Those of the processes that live, and all their descendants."""
    alive = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return {one.pid for root in alive for one in [root, *root.children(recursive=True)]}
