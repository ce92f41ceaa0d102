"""`python -m tests.ha`: faults of a cluster as in `deploy/ha`, while the bank serves under load.

    python -m tests.ha                      about a minute: a step of CI
    python -m tests.ha --all --rounds 3     all faults, three times
    python -m tests.ha --only primary cut

Three nodes with etcd, Patroni and PostgreSQL, each killed, switched over and cut off, while
customers with keys move money and two workers process the queue. Prints a table. Exits with 1 if
anything was lost or doubled, if a customer got an answer that no customer may get, if the bank had
to be restarted, or if the ledger is wrong. As root the nodes are network namespaces; elsewhere they
share 127.0.0.1, and the faults of the network are skipped.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import django

from tests.ha import network
from tests.ha.cluster import cluster
from tests.ha.faults import FAULTS, Fault

if TYPE_CHECKING:
    from tests.ha.drill import Drill, Measured

_COLUMNS = ("fault", "gap in s", "busy", "unknown", "broken", "lost", "doubled")


def main() -> int:
    """Returns 0 if the cluster and the bank kept every promise."""
    options = _options()
    if not shutil.which("etcd"):
        print("SKIPPED: there is no etcd. On Debian: apt install etcd-server")
        return 0
    can_cut = network.can_cut()
    if can_cut:
        network.own_namespace("tests.ha")
    chosen = _chosen(options, can_cut=can_cut)
    random = Random(options.seed)  # noqa: S311 - chance that can be repeated
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="bank-ha-") as folder,
        cluster(with_machines=can_cut) as nodes,
    ):
        print(f"The cluster is up after {time.monotonic() - began:.0f} s.", flush=True)
        os.environ |= {"DJANGO_SETTINGS_MODULE": "bankproject.settings", "BANK_DATA_DIR": folder}
        django.setup()
        from tests.ha.drill import drill

        with drill(nodes, Path(folder), random) as running:
            print(f"The bank serves after {time.monotonic() - began:.0f} s.", flush=True)
            measured = _run(running, chosen, options.rounds)
    _print(measured)
    print(f"\nAll done after {time.monotonic() - began:.0f} s; seed {options.seed}.")
    return int(any(one.lost or one.doubled for one in measured))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.ha", allow_abbrev=False)
    parser.add_argument("--all", action="store_true", help="the faults of the long drill too")
    parser.add_argument("--only", nargs="+", choices=[fault.name for fault in FAULTS])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def _chosen(options: argparse.Namespace, *, can_cut: bool) -> list[Fault]:
    wanted = [
        fault
        for fault in FAULTS
        if (fault.name in options.only if options.only else options.all or fault.is_short)
    ]
    for fault in wanted:
        if fault.needs_machines and not can_cut:
            print(f"SKIPPED: {fault.what}: it needs root, `unshare` and `ip`.", flush=True)
    return [fault for fault in wanted if can_cut or not fault.needs_machines]


def _run(running: "Drill", faults: Sequence[Fault], rounds: int) -> list["Measured"]:
    measured = []
    for _ in range(rounds):
        for fault in faults:
            measured.append(running.measure(fault))
            print(_row(measured[-1]), flush=True)
    print("Proving that each promise was kept.", flush=True)
    running.prove()
    print("Restoring to a moment.", flush=True)
    running.restore()
    return measured


def _row(one: "Measured") -> str:
    cells = (one.what, f"{one.gap:.1f}", one.busy, one.unknown, one.broken, one.lost, one.doubled)
    return f"| {' | '.join(map(str, cells))} |"


def _print(measured: Sequence["Measured"]) -> None:
    print(f"\n| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}")
    for one in measured:
        print(_row(one))


if __name__ == "__main__":
    sys.exit(main())
