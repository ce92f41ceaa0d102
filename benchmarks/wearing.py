"""`python -m benchmarks.wearing`: what a day of load leaves in the tables.

    python -m benchmarks.wearing                           200,000 transactions through the queue
    python -m benchmarks.wearing --stored 2000 --queued 2000 --times 1         does it still work?

Starts a PostgreSQL of its own, and removes it. Its autovacuum looks at the tables each second, not
each minute: the day passes sixty times as fast. Two banks have the same load in turns: one as its
migrations have left it, one with PostgreSQL's own settings of autovacuum. For each hot table it
prints the updates that stayed in their page, dead rows, visits of autovacuum, and how much larger
the table and its indexes are than rewritten without free space.
"""

import argparse
import signal
from typing import Any

from benchmarks.banks import SERVER_SETTINGS, Bank, new_banks
from benchmarks.cases import Case
from benchmarks.lines import tell
from benchmarks.plan import Plan
from benchmarks.tables import table
from tests.postgresql import postgresql_server

_OWN, _DEFAULT = "own", "default"
_WORDS = {_OWN: "as migrated", _DEFAULT: "PostgreSQL's own"}
# One call.
_SHORTEST = 0.001
_AUTOVACUUM = {"autovacuum_naptime": "1s", "track_counts": "on"}
_HEADS = (
    "table", "autovacuum", "inserted", "updated", "in their page", "most dead rows", "vacuums",
    "analyzed", "visible", "heap over packed", "indexes over packed",
)  # fmt: skip


def main() -> None:
    options = _options()
    # Each run drains the queue twice: once to warm up.
    length = options.queued // options.times // 2
    drain = {
        name: Case(f"{name}.drain", "", "queue.drained", {"length": length}, bank=name)
        for name in _WORDS
    }
    single = {
        name: Case(f"{name}.single", "", "commands.single", {"kinds": ("transfer",)}, bank=name)
        for name in _WORDS
    }
    plan = Plan(stored=dict.fromkeys(_WORDS, options.stored), accounts=options.accounts)
    settings = SERVER_SETTINGS | _AUTOVACUUM
    with (
        postgresql_server(settings=settings) as server,
        new_banks(server, [*drain.values(), *single.values()], plan, tell) as banks,
    ):
        banks[_DEFAULT].call("wearing.without_settings")
        before = {name: bank.call("wearing.state") for name, bank in banks.items()}
        dead = {name: [before[name]] for name in banks}
        for turn in range(options.times):
            for name, bank in banks.items():
                bank.run(drain[name], _SHORTEST)
                bank.run(single[name], 1.0)
                dead[name].append(bank.call("wearing.state"))
            tell(f"turn {turn + 1} of {options.times}")
        tell("\n".join(table(_HEADS, _rows(banks, before, dead))))


def _rows(
    banks: dict[str, Bank], before: dict[str, Any], states: dict[str, Any]
) -> list[tuple[str, ...]]:
    rows = []
    for name, bank in banks.items():
        last, packed = states[name][-1], bank.call("wearing.packed")
        for each, after in last.items():
            start = before[name][each]
            grown = {key: after[key] - start[key] for key in after}
            rows.append(
                (
                    each,
                    _WORDS[name],
                    f"{grown['inserted']:,}",
                    f"{grown['updated']:,}",
                    f"{grown['in_page'] / max(grown['updated'], 1):.0%}",
                    f"{max(state[each]['dead'] for state in states[name]):,}",
                    str(grown["vacuums"]),
                    str(grown["analyzes"]),
                    f"{after['visible']:.0%}",
                    f"{after['heap'] / max(packed[each]['heap'], 1):.2f}",
                    f"{after['indexes'] / max(packed[each]['indexes'], 1):.2f}",
                )
            )
    return sorted(rows)


def _options() -> Any:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wearing")
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--stored", type=int, default=100_000)
    parser.add_argument("--queued", type=int, default=200_000)
    parser.add_argument("--times", type=int, default=40)
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    main()
