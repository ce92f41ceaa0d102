"""`python -m benchmarks.searching`: how long the console's search takes in a large bank.

    python -m benchmarks.searching           1,000,000 transactions, 100,000 customers and accounts
    python -m benchmarks.searching --stored 2000 --customers 2000 --times 2     does it still work?

Starts a PostgreSQL of its own, and removes it. Prints a line for each kind of text. The goal, 150
ms, stands in the heading. Exits with 0, even if it is missed.
"""

import argparse
import signal
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, new_banks
from benchmarks.cases import MILLION, Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from tests.postgresql import postgresql_server

_CASE = Case("searching", "the console's search", "searching.searches", bank=MILLION)


def main() -> None:
    options = _options()
    plan = Plan(stored={MILLION: options.stored})
    with (
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [_CASE], plan, tell) as banks,
    ):
        bank = banks[MILLION]
        bank.call("watching.open_more", total=options.customers)
        named = bank.call("searching.give_names", customers=options.customers)
        tell(f"{named} names have their words")
        found = bank.call("searching.searches", database_pid=server.pid, times=options.times)
        tell("by the clock: median, 95 of 100 (goal 150 ms); processor time; groups of hits:")
        for kind, of in found.items():
            tell(
                f"    {kind}: {of['median']:.1f}, {of['most']:.1f}; {of['processor']:.1f} ms;"
                f" {of['groups']:.0f}"
            )


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.searching")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
