"""`python -m benchmarks.querying`: the named queries on three engines, and the lake's export.

    python -m benchmarks.querying                     1,000,000 transactions of 365 days
    python -m benchmarks.querying --stored 2000 --times 1            does it still work?

Starts a PostgreSQL of its own and a Presto, which is fetched once (450 MB), and removes what they
wrote. Prints for each query the seconds by the clock, the median of all times, over the whole span
of days and over its last day: on PostgreSQL, through Presto on the live bank, and through Presto on
the lake. The lake has posted transactions only, so it cannot answer for failures.
"""

import argparse
import signal
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import MILLION, Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from tests.postgresql import postgresql_server

_CASE = Case("querying", "the named queries", "querying.seconds", bank=MILLION)


def main() -> None:
    options = _options()
    plan = Plan(stored={MILLION: options.stored}, over=timedelta(days=365))
    with (
        TemporaryDirectory(prefix="bank-querying-") as folder,
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [_CASE], plan, tell) as banks,
    ):
        _measure(banks[MILLION], Path(folder), options.times)


def _measure(bank: Bank, folder: Path, times: int) -> None:
    exported = bank.call("querying.export", folder=folder)
    tell(
        f"the lake: {exported['seconds']:.1f} s, peak memory {exported['megabytes']:.0f} MB,"
        f" {exported['size'] / 1e6:.0f} MB of files"
    )
    columns, plan = bank.call("querying.seconds", folder=folder, times=times)
    tell(f"seconds: {' / '.join(columns)}")
    for query in columns["PostgreSQL"]:
        found = (of.get(query) for of in columns.values())
        tell(f"    {query}: {' / '.join('-' if one is None else f'{one:.2f}' for one in found)}")
    tell(f"plan of one day on the live bank:\n{plan}")


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.querying")
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
