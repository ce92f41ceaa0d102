"""The measured cases. A case is a line here: a name, a bank, a job and the job's options.

Names are `<what>.<how many or which>`. The jobs are functions in `benchmarks.jobs`, called as
`job(target, seconds, **options)`; each returns a Slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# The banks. Those in RESTORED are reset to their initial state before each case.
POSTGRESQL = "postgresql"
FILES = "files"
HUNDRED_THOUSAND = "100k"
MILLION = "1m"
GROWN = "grown"
SQLITE = "sqlite"
RESTORED = (POSTGRESQL, FILES)

FLOOR = "floor"
OURS = "ours"

# The applications that gunicorn serves to the clients of a case.
BANK_APPLICATION = "bankproject.wsgi"
BARE_APPLICATION = "benchmarks.floor:application()"


@dataclass(frozen=True, slots=True)
class Case:
    """One measurement, on the bank of that name; `job` is `<module>.<function>`.

    It runs in each round, or, if `once`, after all of them. Its clients, if it has any, are served
    by `application`.
    """

    name: str
    title: str
    job: str
    options: dict[str, Any] = field(default_factory=dict)
    bank: str = POSTGRESQL
    group: str = OURS
    once: bool = False
    application: str = BANK_APPLICATION

    @property
    def uses_http(self) -> bool:
        return self.job.startswith(("api.", "arrivals."))


def _pgbench(clients: int) -> Case:
    title = f"pgbench TPC-B, {_clients(clients)}"
    return Case(f"pgbench.{clients}", title, "pgbench.tpc_b", {"clients": clients}, group=FLOOR)


def _single(*kinds: str, title: str) -> Case:
    return Case(f"single.{kinds[0]}", f"in process, {title}", "commands.single", {"kinds": kinds})


def _list(length: int) -> Case:
    title = f"in process, transfers in batches of {length:,}"
    return Case(f"list.{length}", title, "commands.lists", {"length": length})


def _http(clients: int) -> Case:
    title = f"HTTP, one transfer a request, {_clients(clients)}"
    return Case(f"http.{clients}", title, "api.commands", {"clients": clients})


def _keyed(clients: int) -> Case:
    title = f"HTTP, one transfer a request, each with a key, {_clients(clients)}"
    return Case(f"http.{clients}.key", title, "api.commands", {"clients": clients, "keyed": True})


def _http_floor(clients: int) -> Case:
    return replace(
        _http(clients),
        name=f"http.floor.{clients}",
        title=f"bare WSGI and psycopg, one transfer a request, {_clients(clients)}",
        group=FLOOR,
        application=BARE_APPLICATION,
    )


def _http_batch(length: int) -> Case:
    title = f"HTTP, transfers in batches of {length:,}, 1 client"
    return Case(f"http.batch.{length}", title, "api.batches", {"length": length})


def _hot(clients: int) -> Case:
    title = f"HTTP, transfers to one hot account, {_clients(clients)}"
    return Case(f"hot.{clients}", title, "api.commands", {"clients": clients, "skew": "hot"})


def _read(job: str, what: str, *, busy: bool) -> Case:
    entries = 1_000_000 if busy else 1000
    title = f"HTTP, {what} of an account with {entries:,} entries, 1 client"
    return Case(f"{job}.{entries}", title, f"api.{job}", {"busy": busy}, MILLION)


def _resource(name: str, title: str, job: str, **options: Any) -> Case:
    """Reads a resource without parameters, on a bank in which each account fills a page."""
    title = f"HTTP, {title}, 1 client"
    return Case(f"read.{name}", title, f"api.{job}", options, HUNDRED_THOUSAND)


def _on(bank: str, title: str, *cases: Case) -> list[Case]:
    """The same cases on another bank."""
    return [
        replace(case, name=f"{bank}.{case.name}", title=f"{title}, {case.title}", bank=bank)
        for case in cases
    ]


def _clients(count: int) -> str:
    return f"{count} client{'s' if count > 1 else ''}"


_SINGLE = _single("transfer", title="transfers")
_DRAIN = Case("queue.drain", "queue, drained by one worker", "queue.drained", {"length": 5000})
_MIXED = Case(
    "mixed.8",
    "HTTP, deposits, withdrawals and transfers, accounts by Zipf, 8 clients",
    "api.commands",
    {"clients": 8, "kinds": ("deposit", "withdraw", "transfer"), "skew": "zipf"},
)

# Cases that must be as fast with a million stored transactions.
GROWING = (_SINGLE, _list(5000), _DRAIN, _http(8), _http_batch(5000), _hot(32))

# Reads that must be as fast however long the past is. A page and a year need rows, so these are
# compared with a bank of a hundredth, which fills the same pages and days.
_HISTORY = _resource("history", "the latest 50 of a history", "latest", busy=False)
_HISTORY_BUSY = _resource(
    "history.busy", "the latest 50 of a history, of the busiest account", "latest", busy=True
)
READING = (
    _HISTORY,
    _HISTORY_BUSY,
    _resource("page", "50 of a history at a random moment", "history", busy=True),
    _resource("balance", "the balance at a past moment, of the busiest account", "balances",
              busy=True),
    _resource("statistics", "statistics of a year by day", "statistics"),
    Case("console.today", "the page Today, nothing of it cached", "pages.today",
         bank=HUNDRED_THOUSAND),
    Case("verify.since_seal", "verify_ledger --since-seal, 1,000 new entries", "books.since_seal",
         {"transfers": 500}, HUNDRED_THOUSAND),
)  # fmt: skip

CASES: Sequence[Case] = (
    _pgbench(1),
    _pgbench(8),
    Case("raw.transfer", "psycopg alone, transfers", "raw.transfers", group=FLOOR),
    Case("copy.5000", "COPY, 5,000 rows", "bulk_copy.transfers", {"length": 5000}, group=FLOOR),
    _SINGLE,
    _single("deposit", title="deposits"),
    *(_list(length) for length in (10, 100, 1000, 5000, 10_000)),
    Case("queue.accept", "queue, transfers accepted one by one", "queue.accepted"),
    _DRAIN,
    _http_floor(8),
    *(_http(clients) for clients in (1, 8, 32)),
    _keyed(8),
    *(_http_batch(length) for length in (100, 5000)),
    *(_hot(clients) for clients in (8, 32)),
    _MIXED,
    *_on(HUNDRED_THOUSAND, "100,000 stored", *GROWING),
    *_on(MILLION, "1,000,000 stored", *GROWING),
    _read("history", "a page of the history", busy=False),
    _read("history", "a page of the history", busy=True),
    _read("balances", "the balance at a past moment", busy=False),
    _read("balances", "the balance at a past moment", busy=True),
    _resource("account", "an account", "account"),
    _resource("account.304", "an account that the client knows by its ETag", "unchanged_account"),
    _HISTORY,
    _HISTORY_BUSY,
    Case(
        "files.copy_out",
        "plain COPY TO STDOUT, all tables",
        "files.copied_out",
        bank=HUNDRED_THOUSAND,
        group=FLOOR,
    ),
    Case("files.export", "export_data, all files", "files.exported", bank=HUNDRED_THOUSAND),
    Case("files.archive", "archive_transactions", "files.archived", bank=FILES),
    Case("files.copy_in", "plain COPY FROM STDIN", "files.copied_in", bank=FILES, group=FLOOR),
    Case("files.import", "import_data", "files.imported", bank=FILES),
    Case(
        "1m.export",
        "1,000,000 stored, export_data",
        "files.exported_apart",
        bank=MILLION,
        once=True,
    ),
    Case(
        "1m.archive",
        "1,000,000 stored, archive_transactions beside transfers in process, which are timed",
        "files.archived_apart",
        bank=MILLION,
        once=True,
    ),
    *_on(SQLITE, "SQLite", _SINGLE, _list(100), _list(1000)),
)

# Of a run with --growth. The bank of 100,000 has the same cases as the large one, each for as long,
# so that both have about as many transactions on this day.
GROWTH: Sequence[Case] = (
    *GROWING,
    *_on(HUNDRED_THOUSAND, "100,000 stored", *GROWING),
    *_on(GROWN, "grown", *GROWING),
    *READING,
    *_on(GROWN, "grown", *READING),
)


class NoSuchCase(Exception):
    """The message is the name."""


def select(names: Sequence[str], cases: Sequence[Case] = CASES) -> list[Case]:
    """The cases with these names, or whose name begins with `<name>.`; all cases without names.

    Raises NoSuchCase for a name that selects nothing.
    """
    if not names:
        return list(cases)
    for name in names:
        if not any(_is_selected(case, name) for case in cases):
            raise NoSuchCase(name)
    return [case for case in cases if any(_is_selected(case, name) for name in names)]


def _is_selected(case: Case, name: str) -> bool:
    return case.name == name or case.name.startswith(f"{name}.")
