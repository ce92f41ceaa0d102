"""`python -m benchmarks`: measures the bank on SQLite and on a PostgreSQL that it starts itself.

    python -m benchmarks                        everything, five rounds: what the figures are from
    python -m benchmarks --only single http.8   some cases, by name or by what begins their names
    python -m benchmarks --quick                one short round of everything: does it still work?
    python -m benchmarks --growth               a bank with 10,000,000 stored beside one with none
    python -m benchmarks --against COMMIT       each case at that commit and here, in turns

Exits with 0, even if a goal is missed; with 1 if the run is void, because a ledger is wrong; with 2
if there is no PostgreSQL to measure, no case of that name, or no such commit, or if it needs
libraries other than those installed.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import against, rounds
from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import CASES, GROWN, GROWTH, SQLITE, Case, NoSuchCase, select
from benchmarks.earlier import CannotCompare, full_id
from benchmarks.figures import results
from benchmarks.machine import machine, versions
from benchmarks.plan import FULL, QUICK, QUICK_GROWTH, Plan
from benchmarks.plan import GROWTH as GROWTH_PLAN
from benchmarks.tables import lines
from tests.postgresql import PostgresqlServer, postgresql_server
from tests.postgresql_installations import NoPostgresqlFound

RESULTS = Path(__file__).parent / "results"
_STARTED = time.monotonic()
# The caller's own settings must not reach the banks.
_NOT_INHERITED = ("BANK_", "DJANGO_", "PG", "WEB_CONCURRENCY", "CACHE_URL", "EMAIL_URL")


def main() -> int:
    options = _options()
    cases = GROWTH if options.growth else CASES
    try:
        found = _measure(select(options.only, cases), _plan(options), options.against)
    except NoSuchCase as error:
        known = ", ".join(case.name for case in cases)
        return _failed(2, f"There is no case {error}. There are: {known}.")
    except (NoPostgresqlFound, CannotCompare) as error:
        return _failed(2, str(error))
    except rounds.Void as error:
        return _failed(1, f"THE RUN IS VOID. {error}")
    path = options.json or RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(found, indent=1) + "\n")
    shown = against.lines(found) if options.against else lines(found)
    sys.stdout.write("\n".join(["", *shown, "", f"Kept in {path}", ""]))
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    full, quick = (GROWTH_PLAN, QUICK_GROWTH) if options.growth else (FULL, QUICK)
    chosen = quick if options.quick else full
    if options.stored:
        chosen = replace(chosen, stored={**chosen.stored, GROWN: options.stored})
    return replace(chosen, rounds=options.rounds or chosen.rounds)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", allow_abbrev=False)
    parser.add_argument("--rounds", type=int, help="instead of five")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="cases, or what begins their names"
    )
    parser.add_argument("--quick", action="store_true", help="one short round, with few accounts")
    parser.add_argument(
        "--growth", action="store_true", help="cases of a large bank, each beside a small one"
    )
    parser.add_argument(
        "--stored", type=int, metavar="COUNT", help="with --growth: instead of 10,000,000"
    )
    parser.add_argument("--against", metavar="COMMIT", help="measure that commit as well, in turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="instead of benchmarks/results/")
    options = parser.parse_args()
    if options.stored and not options.growth:
        parser.error("--stored is the size of the large bank of --growth.")
    return options


def _measure(cases: Sequence[Case], plan: Plan, commit: str | None) -> dict[str, Any]:
    """Starts the cases' banks, runs the cases, and adds the conditions of the run.

    With a commit, its banks as well.
    """
    other = full_id(commit) if commit else None
    for name in [name for name in os.environ if name.startswith(_NOT_INHERITED)]:
        del os.environ[name]
    before = {"at": datetime.now(UTC).isoformat(), "machine": machine()}
    with ExitStack() as stack:
        server = _server(cases, stack)
        if other:
            figures = against.compare(other, server, cases, plan, _tell)
        else:
            banks = stack.enter_context(new_banks(server, cases, plan, _tell))
            figures = _figures(banks, cases, plan)
    return {
        **before,
        **({"against": other} if other else {}),
        "seconds": round(time.monotonic() - _STARTED),
        "versions": versions(server.version if server else None),
        "server_settings": SERVER_SETTINGS,
        "plan": asdict(plan) | {"over": plan.over.total_seconds()},
        **figures,
    }


def _figures(banks: Mapping[str, Bank], cases: Sequence[Case], plan: Plan) -> dict[str, Any]:
    grown = banks.get(GROWN)
    sizes = grown.call("growing.sizes") if grown else []
    run = rounds.run(banks, cases, plan, _tell)
    stored = {name: bank.books().transactions for name, bank in banks.items()}
    growths = [bank.web_growth_megabytes() for bank in banks.values()]
    return {
        "transactions_stored": stored,
        "not_measured": run.not_measured,
        **({"sizes": sizes, "upkeep": grown.call("growing.warnings")} if grown else {}),
        **results(
            cases, run.slices, max((one for one in growths if one is not None), default=None)
        ),
    }


def _server(cases: Sequence[Case], stack: ExitStack) -> PostgresqlServer | None:
    """An empty server in a temporary folder, if a case needs one. Raises NoPostgresqlFound."""
    if all(case.bank == SQLITE for case in cases):
        return None
    return stack.enter_context(postgresql_server(settings=SERVER_SETTINGS))


def _tell(line: str) -> None:
    """A line of progress, with the seconds since the start."""
    sys.stderr.write(f"{time.monotonic() - _STARTED:4.0f} s  {line}\n")
    sys.stderr.flush()


def _failed(code: int, line: str) -> int:
    sys.stderr.write(f"{line}\n")
    return code


def _end(signal_number: int, _frame: object) -> None:
    raise SystemExit(128 + signal_number)


if __name__ == "__main__":
    # A process started in a shell's background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
