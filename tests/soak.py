"""`python -m tests.soak MINUTES`: the concurrency tests at length, with a new seed each round.

Rounds alternate between databases and isolation levels until the minutes are over; the last round
is completed. Stops at the first failing round, and prints how to repeat it. Sums the counts at the
end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

from tests.concurrency.tally import SCALE_VARIABLE
from tests.conftest import COUNTS_FILE_VARIABLE
from tests.seed import SEED_VARIABLE, new_seed

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_MINUTES = 30
DEFAULT_SCALE = 5
TESTS = (
    "tests/concurrency",
    "tests/crash",
    "tests/test_differential.py",
    "tests/test_state_machine.py",
)
ROUNDS = (
    ("postgresql", "read committed"),
    ("sqlite", "read committed"),
    ("postgresql", "serializable"),
    ("postgresql-newest", "read committed"),
)


def main() -> int:
    """Returns pytest's exit code of the first round that failed, else 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=DEFAULT_MINUTES)
    parser.add_argument("--scale", type=int, default=DEFAULT_SCALE, help="times the smoke's size")
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    total: Counter[str] = Counter()
    for database, level in cycle(ROUNDS):
        environment = {
            SEED_VARIABLE: str(new_seed()),
            SCALE_VARIABLE: str(options.scale),
            "BANK_ISOLATION_LEVEL": level,
        }
        code, counts = run_round(database, environment)
        total.update(counts)
        if code != 0:
            words = " ".join(f"{name}='{value}'" for name, value in environment.items())
            print(f"\nTo repeat: {words} python -m tests --database {database} {' '.join(TESTS)}")
            return code
        total["rounds"] += 1
        if time.monotonic() > end:
            break
    print("\nThe whole soak:")
    for name, count in sorted(total.items()):
        print(f"{count:>11,} {name}")
    return 0


def run_round(database: str, environment: dict[str, str]) -> tuple[int, dict[str, int]]:
    """Runs the tests once. Returns pytest's exit code, and the counts."""
    with tempfile.TemporaryDirectory(prefix="bank-soak-") as folder:
        counts = Path(folder, "counts.json")
        print(f"\nRound on {database}: {environment}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "tests", "--database", database, *TESTS],
            cwd=ROOT,
            env=os.environ | environment | {COUNTS_FILE_VARIABLE: str(counts)},
            check=False,
        )
        return done.returncode, json.loads(counts.read_text()) if counts.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
