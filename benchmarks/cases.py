"""What is measured. A case is a line here: a name, a bank, a job and the job's options.

Names are `<what>.<how many or which>`. The jobs are functions in `benchmarks.jobs`, called as
`job(target, seconds, **options)`; each returns a Slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

POSTGRESQL = "postgresql"
SQLITE = "sqlite"

FLOOR = "floor"
OURS = "ours"


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure. `bank` is POSTGRESQL or SQLITE; `job` is `<module>.<function>`."""

    name: str
    title: str
    job: str
    options: dict[str, Any] = field(default_factory=dict)
    bank: str = POSTGRESQL
    group: str = OURS

    @property
    def uses_http(self) -> bool:
        return self.job.startswith("api.")


def _single(*kinds: str, name: str, title: str, bank: str = POSTGRESQL) -> Case:
    return Case(name, title, "commands.single", {"kinds": kinds}, bank)


def _list(length: int, *, prefix: str = "", bank: str = POSTGRESQL) -> Case:
    title = f"in process, transfers in lists of {length:,}"
    return Case(f"{prefix}list.{length}", title, "commands.lists", {"length": length}, bank)


def _http(clients: int, *, prefix: str = "", bank: str = POSTGRESQL) -> Case:
    title = f"HTTP, one transfer a request, {_clients(clients)}"
    return Case(f"{prefix}http.{clients}", title, "api.transfers", {"clients": clients}, bank)


def _hot(clients: int) -> Case:
    title = f"HTTP, transfers to one hot account, {_clients(clients)}"
    return Case(f"hot.{clients}", title, "api.transfers", {"clients": clients, "hot": True})


def _pgbench(clients: int) -> Case:
    title = f"pgbench TPC-B, {_clients(clients)}"
    return Case(
        f"pgbench.{clients}", title, "pgbench.tpc_b", {"clients": clients}, POSTGRESQL, FLOOR
    )


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"


CASES: Sequence[Case] = (
    _pgbench(1),
    _pgbench(8),
    Case("raw.transfer", "psycopg alone, transfers", "raw.transfers", group=FLOOR),
    Case("copy.5000", "COPY, 5,000 rows", "bulk_copy.transfers", {"length": 5000}, group=FLOOR),
    _single("deposit", name="single.deposit", title="in process, deposits"),
    _single("withdraw", name="single.withdraw", title="in process, withdrawals"),
    _single("transfer", name="single.transfer", title="in process, transfers"),
    _single("deposit", "withdraw", "transfer", name="single.mixed", title="in process, all three"),
    _list(10),
    _list(100),
    _list(1000),
    _list(5000),
    Case("queue.accept", "queue, transfers accepted one by one", "queue.accepted"),
    Case("queue.drain", "queue, drained by one worker", "queue.drained", {"length": 1000}),
    _http(1),
    _http(8),
    _http(32),
    _hot(8),
    _hot(32),
    _single("transfer", name="sqlite.single", title="in process, transfers", bank=SQLITE),
    _list(100, prefix="sqlite.", bank=SQLITE),
    _list(1000, prefix="sqlite.", bank=SQLITE),
    _http(1, prefix="sqlite.", bank=SQLITE),
    _http(8, prefix="sqlite.", bank=SQLITE),
)


def select(names: Sequence[str]) -> list[Case]:
    """The cases of these names, or whose name begins with `<name>.`; all of them if none is given.

    Raises KeyError for a name that selects nothing.
    """
    if not names:
        return list(CASES)
    for name in names:
        if not any(_is_selected(case, name) for case in CASES):
            raise KeyError(name)
    return [case for case in CASES if any(_is_selected(case, name) for name in names)]


def _is_selected(case: Case, name: str) -> bool:
    return case.name == name or case.name.startswith(f"{name}.")
