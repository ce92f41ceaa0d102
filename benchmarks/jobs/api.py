"""The bank as seen by clients: HTTP requests to gunicorn, with a token.

The clients are sockets in one thread, because they share the machine with the bank. Their CPU time
is reported beside the figures.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from selectors import EVENT_READ, DefaultSelector
from uuid import UUID

from benchmarks.jobs.choices import EVEN
from benchmarks.jobs.connection import Connection
from benchmarks.jobs.requests import TRANSFERS, Requests
from benchmarks.measure import WARM_UP_SHARE, Moved, Slice, measure
from benchmarks.target import Target


def commands(
    target: Target,
    seconds: float,
    *,
    clients: int,
    kinds: Sequence[str] = TRANSFERS,
    skew: str = EVEN,
) -> Slice:
    """Each client sends one command after another, and waits for each response."""
    load = _Load(target, Requests(target, skew), kinds)
    load.begin(clients)
    load.go_on(seconds * WARM_UP_SHARE)
    load.latencies.clear()
    cpu, started = time.process_time(), time.perf_counter()
    load.go_on(seconds)
    elapsed = time.perf_counter() - started
    cpu_seconds = time.process_time() - cpu
    # Later responses count in the books, but not in the figures.
    latencies = list(load.latencies)
    load.end()
    return Slice(
        transactions=len(latencies),
        latencies=latencies,
        seconds=elapsed,
        moved=load.moved,
        cpu_share=cpu_seconds / elapsed,
    )


def batches(target: Target, seconds: float, *, length: int) -> Slice:
    """One client sends batches of transfers. The clock stands still while it writes them."""
    requests, connection = Requests(target), Connection(target.port)

    def post(prepared: tuple[bytes, Moved]) -> Moved:
        request, moved = prepared
        connection.ask(request)
        return moved

    return measure(lambda: requests.batch(length), post, seconds)


def history(target: Target, seconds: float, *, busy: bool) -> Slice:
    """One client reads pages of one account's transactions, each starting at a random moment."""
    requests, account_id = Requests(target), _account_to_read(target, busy=busy)
    return _read(target, seconds, lambda: requests.history(account_id))


def balances(target: Target, seconds: float, *, busy: bool) -> Slice:
    """One client asks for one account's balance at random moments."""
    requests, account_id = Requests(target), _account_to_read(target, busy=busy)
    return _read(target, seconds, lambda: requests.balance_at(account_id))


class _Load:
    """Clients that send commands concurrently. `latencies` are those since the last clearing.

    `moved` is the total of all answered commands.
    """

    def __init__(self, target: Target, requests: Requests, kinds: Sequence[str]) -> None:
        self.latencies: list[float] = []
        self.moved = Moved()
        self._target = target
        self._requests = requests
        self._kinds = kinds
        self._selector = DefaultSelector()

    def begin(self, clients: int) -> None:
        for _ in range(clients):
            self._send(Connection(self._target.port))

    def go_on(self, seconds: float) -> None:
        """Reads responses and sends the next command after each, until the time is over."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            for connection in self._answered(left):
                self._send(connection)

    def end(self) -> None:
        """Waits for the last responses."""
        while self._selector.get_map():
            for connection in self._answered(None):
                connection.close()
        self._selector.close()

    def _send(self, connection: Connection) -> None:
        request, moved = self._requests.command(self._kinds)
        started = time.perf_counter()
        connection.send(request)
        self._selector.register(connection.fileno(), EVENT_READ, (connection, started, moved))

    def _answered(self, timeout: float | None) -> list[Connection]:
        """The connections whose response is complete, ready for the next command."""
        answered = []
        for key, _ in self._selector.select(timeout):
            connection, started, moved = key.data
            if connection.receive() is not None:
                self.latencies.append(time.perf_counter() - started)
                self.moved += moved
                self._selector.unregister(key.fd)
                answered.append(connection)
        return answered


def _account_to_read(target: Target, *, busy: bool) -> UUID:
    return target.people.busy_id if busy else target.people.account_ids[0]


def _read(target: Target, seconds: float, request: Callable[[], bytes]) -> Slice:
    connection = Connection(target.port)

    def get(prepared: bytes) -> Moved:
        connection.ask(prepared)
        return Moved(1)

    # A page counts as one, and nothing moves.
    return replace(measure(request, get, seconds), moved=Moved())
