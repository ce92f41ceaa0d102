"""`python -m benchmarks.watching`: what it costs to watch the bank.

    python -m benchmarks.watching                      1,000,000 transactions, 100,000 accounts
    python -m benchmarks.watching --stored 2000 --accounts 2000 --rounds 1       does it still work?

Starts a PostgreSQL of its own, and removes it. Prints three prices: that of metrics in a request,
with and without them in turns; that of a scrape; that of statistics of a year, with the server
restarted before the first one. Goals stand beside them. Exits with 0, even if one is missed.
"""

import argparse
import os
import secrets
import signal
from datetime import timedelta
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import MILLION, Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from tests.postgresql import PostgresqlServer, postgresql_server

_CASE = Case("watching", "the price of watching", "watching.scrape", bank=MILLION)


def main() -> None:
    # Not above: a process of a bank imports this module, and then the bank's own code.
    from core.metrics import folder

    options = _options()
    os.environ["BANK_METRICS_TOKEN"] = secrets.token_urlsafe(48)
    plan = Plan(stored={MILLION: options.stored}, over=timedelta(days=364))
    # The processes count in files, as those of a server do.
    with (
        folder.owned_folder(),
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [_CASE], plan, tell) as banks,
    ):
        bank = banks[MILLION]
        bank.call("watching.open_more", total=options.accounts)
        tell(f"{bank.call('watching.summarise')} days have summaries")
        _scrape(bank)
        _year(bank, server)
        _requests(bank, options.rounds)


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.watching")
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--stored", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=12)
    return parser.parse_args()


def _scrape(bank: Bank) -> None:
    found = bank.call("watching.scrape")
    tell(f"a scrape: {found['statements']} statements at most; processor time (goal 50 ms):")
    for part, (python, database) in found["scrapes"].items():
        name = f"with {part}" if part else "most scrapes"
        tell(f"    {name}: {(python + database) * 1000:.1f} ms, {python * 1000:.1f} in Python")
    tell("parts of a scrape, in Python and in PostgreSQL:")
    for name, (python, database) in found["parts"].items():
        tell(f"    {name}: {python * 1000:.1f} and {database * 1000:.1f} ms")


def _year(bank: Bank, server: PostgresqlServer) -> None:
    """The server's own cache is empty after a start; that of the system is not."""
    server.stop()
    server.start()
    for name, goal, times in (("cold", 2.0, 1), ("warm", 0.3, 10)):
        found = bank.call("watching.year", database_pid=server.pid, times=times)
        tell(
            f"statistics of a year, {name}: {found['processor']:.3f} s of processor time,"
            f" {found['clock']:.3f} s by the clock (goal {goal})"
        )


def _requests(bank: Bank, rounds: int) -> None:
    found = bank.call("watching.requests", rounds=rounds)
    tell(
        f"a transfer with metrics over one without: {found['median']:.4f}"
        f" (quartiles {found['low']:.4f} and {found['high']:.4f}; goal 1.03);"
        f" {found['with'] * 1000:.3f} and {found['without'] * 1000:.3f} ms in Python"
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
