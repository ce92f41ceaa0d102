"""`python -m tests.mutants`: plants each bug of the list, and reports which test catches it.

    python -m tests.mutants                      the whole list, two at a time
    python -m tests.mutants --only funds limit   bugs whose name or area has one of these words
    python -m tests.mutants --results FILE       continues an earlier run with the same file

Works on copies of the tree in a temporary folder. A test that hangs for SECONDS counts as a catch,
if it ends without the bug. At the end all tests that caught a bug run once more without any bug,
and must pass. Exits with 0 if at least 95 % of the bugs are caught and each survivor is explained;
with 1 if not; and with 2 if nothing could be tried.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from tests.mutants.databases import PREFIX, Databases, PostgresqlDatabases, SqliteDatabases
from tests.mutants.mutant import Mutant, all_mutants
from tests.mutants.trial import BROKEN, HUNG, KILLED, SURVIVED, Workshop
from tests.postgresql import postgresql_server

GOAL_PERCENT = 95
EXPLAINED = "explained"

Verdicts = dict[str, tuple[str, str]]


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", allow_abbrev=False)
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--results", type=Path)
    options = parser.parse_args()
    wanted = [one for one in all_mutants() if _is_wanted(one, options.only)]
    verdicts = _kept(options.results)
    to_try = [one for one in wanted if one.name not in verdicts]
    started = time.monotonic()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="bank-mutants-")))
        databases = _databases(to_try, folder, held)
        workshops = [
            _workshop(folder, number, databases, options.seconds)
            for number in range(max(1, min(options.jobs, len(to_try))))
        ]
        try:
            for kind in databases:
                workshops[0].make_template(kind)
            _try_all(workshops, to_try, verdicts, options.results)
            _doubt(workshops[0], to_try, verdicts)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            return 2
    _tell_share(wanted, verdicts, time.monotonic() - started)
    return 0 if _is_good(wanted, verdicts) else 1


def _is_wanted(mutant: Mutant, words: Sequence[str]) -> bool:
    return not words or any(word in mutant.name or word == mutant.area for word in words)


def _databases(mutants: Sequence[Mutant], folder: Path, held: ExitStack) -> dict[str, Databases]:
    kinds = {one.database for one in mutants}
    databases: dict[str, Databases] = {}
    if "sqlite" in kinds:
        databases["sqlite"] = SqliteDatabases(folder)
    if "postgresql" in kinds:
        server = held.enter_context(postgresql_server(fsync=False))
        databases["postgresql"] = PostgresqlDatabases(server.url)
    return databases


def _workshop(folder: Path, number: int, databases: dict[str, Databases], seconds: int) -> Workshop:
    workshop = Workshop(f"{PREFIX}{number}", folder / f"tree{number}", databases, seconds)
    workshop.copy_tree()
    return workshop


def _doubt(workshop: Workshop, mutants: Sequence[Mutant], verdicts: Verdicts) -> None:
    """Runs the catching tests once more without a bug. One that fails then has proved nothing."""
    for kind in workshop.databases:
        killed = [
            one for one in mutants if one.database == kind and verdicts[one.name][0] == KILLED
        ]
        killers = sorted({verdicts[one.name][1] for one in killed})
        failing = workshop.failures_without_mutant(kind, killers) if killers else []
        for mutant in killed:
            if (killer := verdicts[mutant.name][1]) in failing:
                verdicts[mutant.name] = BROKEN, f"{killer} fails without it as well"


def _try_all(
    workshops: Sequence[Workshop],
    mutants: Sequence[Mutant],
    verdicts: Verdicts,
    results: Path | None,
) -> None:
    waiting: SimpleQueue[Mutant] = SimpleQueue()
    for mutant in mutants:
        waiting.put(mutant)
    lock = Lock()

    def work(workshop: Workshop) -> None:
        for mutant in _taken(waiting):
            began = time.monotonic()
            verdict = workshop.try_out(mutant)
            with lock:
                verdicts[mutant.name] = verdict
                _keep(results, mutant.name, verdict)
                _tell(mutant, verdict, time.monotonic() - began)

    threads = [Thread(target=work, args=(workshop,)) for workshop in workshops]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _taken(waiting: "SimpleQueue[Mutant]") -> Iterator[Mutant]:
    while True:
        try:
            yield waiting.get_nowait()
        except Empty:
            return


def _kept(results: Path | None) -> Verdicts:
    """The verdicts of an earlier run. Survivors are tried again."""
    if results is None or not results.exists():
        return {}
    lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    return {name: (verdict, why) for name, verdict, why in lines if verdict in (KILLED, HUNG)}


def _keep(results: Path | None, name: str, verdict: tuple[str, str]) -> None:
    if results is not None:
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, *verdict]) + "\n")


def _shown(mutant: Mutant, verdict: str) -> str:
    return EXPLAINED if verdict == SURVIVED and mutant.survives else verdict


def _tell(mutant: Mutant, verdict: tuple[str, str], seconds: float) -> None:
    shown = _shown(mutant, verdict[0])
    why = mutant.survives if shown == EXPLAINED else verdict[1]
    print(f"{shown:<9} {seconds:5.0f} s  {mutant.area}: {mutant.name}  {why}", flush=True)


def _tell_share(wanted: Sequence[Mutant], verdicts: Verdicts, seconds: float) -> None:
    counts = Counter(_shown(one, verdicts[one.name][0]) for one in wanted)
    print()
    for mutant in wanted:
        if (shown := _shown(mutant, verdicts[mutant.name][0])) not in (KILLED, HUNG):
            print(f"{shown}: {mutant.name} in {mutant.file}  {mutant.survives}")
    total = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    share = 100 * (counts[KILLED] + counts[HUNG]) / max(1, len(wanted))
    print(f"{len(wanted)} mutants in {seconds:.0f} s: {total}. Killed: {share:.1f} %.")


def _is_good(wanted: Sequence[Mutant], verdicts: Verdicts) -> bool:
    shown = Counter(_shown(one, verdicts[one.name][0]) for one in wanted)
    killed = shown[KILLED] + shown[HUNG]
    no_riddle = not shown[SURVIVED] and not shown[BROKEN]
    return no_riddle and 100 * killed >= GOAL_PERCENT * len(wanted)


if __name__ == "__main__":
    sys.exit(main())
