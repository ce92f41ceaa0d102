"""The bank as seen by clients: HTTP requests to gunicorn, with a token.

The clients are sockets in one thread, because they share the machine with the bank. Their CPU time
is reported beside the figures.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from uuid import UUID

from benchmarks.jobs.choices import EVEN, Choice
from benchmarks.jobs.connection import OK, UNCHANGED, Connection
from benchmarks.jobs.load import Load
from benchmarks.jobs.requests import TRANSFERS, Requests
from benchmarks.measure import WARM_UP_SHARE, Moved, Slice, measure
from benchmarks.processors import Meter, meter
from benchmarks.target import CannotMeasure, Target

_ETAG = re.compile(rb"\r\netag: *([^\r]+)\r\n", re.IGNORECASE)
# The number of accounts that a client of `unchanged_account` knows, and the rows of a full page.
_KNOWN = 20
_PAGE = 50


def commands(
    target: Target,
    seconds: float,
    *,
    clients: int,
    kinds: Sequence[str] = TRANSFERS,
    skew: str = EVEN,
    keyed: bool = False,
) -> Slice:
    """Each client sends one command after another, and waits for each response."""
    requests = Requests(target, skew, keyed=keyed)
    load = Load(target, lambda: requests.command(kinds))
    used = _meter(target)
    load.begin(clients)
    load.go_on(seconds * WARM_UP_SHARE)
    load.latencies.clear()
    before = used()
    cpu, started = time.process_time(), time.perf_counter()
    load.go_on(seconds)
    elapsed = time.perf_counter() - started
    cpu_seconds = time.process_time() - cpu
    processor_time = used() - before
    # Later responses count in the books, but not in the figures.
    latencies = list(load.latencies)
    load.end()
    return Slice(
        transactions=len(latencies),
        latencies=latencies,
        seconds=elapsed,
        moved=load.moved,
        cpu_share=cpu_seconds / elapsed,
        processor_time=processor_time,
    )


def batches(target: Target, seconds: float, *, length: int) -> Slice:
    """One client sends batches of transfers. The clock stands still while it writes them."""
    requests, connection = Requests(target), Connection(target.port)

    def post(prepared: tuple[bytes, Moved]) -> Moved:
        request, moved = prepared
        connection.ask(request)
        return moved

    return measure(lambda: requests.batch(length), post, seconds, meter=_meter(target))


def history(target: Target, seconds: float, *, busy: bool) -> Slice:
    """One client reads pages of one account's transactions, each starting at a random moment."""
    requests, account_id = Requests(target), _account_to_read(target, busy=busy)
    return _read(target, seconds, lambda: requests.history(account_id))


def balances(target: Target, seconds: float, *, busy: bool) -> Slice:
    """One client requests one account's balance at random moments."""
    requests, account_id = Requests(target), _account_to_read(target, busy=busy)
    return _read(target, seconds, lambda: requests.balance_at(account_id))


def account(target: Target, seconds: float) -> Slice:
    """One client reads one account after another."""
    requests, choice = Requests(target), Choice(target)
    return _read(target, seconds, lambda: requests.account(choice.account()))


def unchanged_account(target: Target, seconds: float) -> Slice:
    """One client requests accounts that it knows, with the ETags of their first responses.

    Raises CannotMeasure if the bank sends none.
    """
    requests, connection = Requests(target), Connection(target.port)
    known = [
        requests.account(account_id, known_tag(connection.ask(requests.account(account_id))))
        for account_id in target.people.account_ids[:_KNOWN]
    ]
    return _read(target, seconds, cycle(known).__next__, expected=UNCHANGED)


def latest(target: Target, seconds: float, *, busy: bool) -> Slice:
    """One client reads the latest page of histories: of one account after another, or the busy one.

    Raises RuntimeError if a page is not full, since a shorter one costs less.
    """
    requests, choice = Requests(target), Choice(target)
    people, connection = target.people, Connection(target.port)
    for account_id in (people.busy_id, *people.account_ids[:_KNOWN]):
        body = json.loads(connection.ask(requests.latest(account_id)).partition(b"\r\n\r\n")[2])
        if len(body["results"]) != _PAGE:
            raise RuntimeError(f"The history of {account_id} fills no page of {_PAGE}.")
    connection.close()
    return _read(
        target,
        seconds,
        lambda: requests.latest(people.busy_id if busy else choice.account()),
    )


def statistics(target: Target, seconds: float) -> Slice:
    """One client reads the statistics of the whole past, by day."""
    request = Requests(target).statistics()
    return _read(target, seconds, lambda: request)


def _account_to_read(target: Target, *, busy: bool) -> UUID:
    return target.people.busy_id if busy else target.people.account_ids[0]


def known_tag(answer: bytes) -> str:
    """The ETag of a response. Raises CannotMeasure without one."""
    match = _ETAG.search(answer, 0, answer.index(b"\r\n\r\n") + 2)
    if match is None:
        raise CannotMeasure("The bank sends no ETag with an account.")
    return match[1].decode()


def _read(
    target: Target, seconds: float, request: Callable[[], bytes], expected: bytes = OK
) -> Slice:
    """Raises RuntimeError unless each response begins with the `expected` status."""
    connection = Connection(target.port)

    def get(prepared: bytes) -> Moved:
        answer = connection.ask(prepared)
        if not answer.startswith(expected):
            raise RuntimeError(f"The bank answered:\n{answer[:4000].decode(errors='replace')}")
        return Moved(1)

    measured = measure(request, get, seconds, meter=_meter(target))
    connection.close()
    # A page counts as one, and nothing moves.
    return replace(measured, moved=Moved())


def _meter(target: Target) -> Meter:
    assert target.server_pid is not None
    assert target.database_pid is not None
    return meter(target.server_pid, target.database_pid)
