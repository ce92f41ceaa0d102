"""`python -m benchmarks.proving`: what statements and seals cost.

    python -m benchmarks.proving                           1,000,000 entries, 10,000 accounts
    python -m benchmarks.proving --entries 4000 --accounts 100 --long 500       does it still work?

Starts a PostgreSQL of its own, and removes it. Prints the price of sealing, of verifying since the
last seal, of issuing, and of documents. Goals stand beside them: by the clock on a quiet machine,
and the growth of the process. Exits with 0, even if one is missed.
"""

import argparse
import signal
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import MILLION, Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from tests.postgresql import postgresql_server

_CASE = Case("proving", "statements and seals", "proving.sealing", bank=MILLION)
# Of the new transfers: each has an entry of two accounts.
_NEW = 5000
_COUNTED = ("entries", "statements", "bytes")

Figures = dict[str, float]


def main() -> None:
    options = _options()
    plan = Plan(stored={}, accounts=options.accounts)
    with (
        postgresql_server(settings=SERVER_SETTINGS) as server,
        new_banks(server, [_CASE], plan, tell) as banks,
    ):
        bank = banks[MILLION]
        # Each transfer has two entries; every second one of the busy account's is another's.
        others = options.entries // 2 - options.long
        bank.call("proving.store", busy=options.long, others=others)
        bank.call("proving.make_key")
        _seals(bank, options.accounts)
        _statements(bank, options.long)


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.proving")
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--long", type=int, default=100_000, help="entries of the busy account")
    return parser.parse_args()


def _seals(bank: Bank, accounts: int) -> None:
    _show("sealing everything", bank.call("proving.sealing"), seconds=60)
    for some in (accounts // 10, accounts):
        bank.call("proving.move", accounts=some, transfers=_NEW)
        words = f"new entries of {some:,} accounts"
        _show(f"verifying since the seal, {words}", bank.call("proving.since_seal"), seconds=5)
        _show(f"sealing {words}", bank.call("proving.sealing"), seconds=1)


def _statements(bank: Bank, long: int) -> None:
    _show("issuing all statements", bank.call("proving.issuing"), seconds=120, growth=200)
    _show("issuing again", bank.call("proving.issuing"))
    goals: dict[str, float]
    for wanted, entries, goals in (
        ("pdf", long // 100, {"seconds": 1}),
        ("csv", long, {"growth": 100}),
        ("xlsx", long, {"growth": 100}),
        ("camt053", long, {}),
        ("json", long, {}),
        ("pdf", long, {}),
    ):
        figures = bank.call("proving.document", wanted=wanted, entries=entries)
        _show(f"a statement as {wanted.upper()}", figures, **goals)


def _show(what: str, figures: Figures, *, seconds: float = 0, growth: float = 0) -> None:
    counts = [f"{count:,} {name}" for name, count in figures.items() if name in _COUNTED]
    goals = [f"{goal} {unit}" for goal, unit in ((seconds, "s"), (growth, "MB more")) if goal]
    tell(
        f"{what} ({', '.join(counts)}): {figures['clock']:.2f} s by the clock,"
        f" {figures['python']:.2f} s of processor time in Python and {figures['database']:.2f} s in"
        f" PostgreSQL, {figures['megabytes']:.0f} MB at most, {figures['growth']:.0f} MB more than"
        " before" + (f" (goal {' and '.join(goals)})" if goals else "")
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
