"""Clients in one thread, because they share the machine with the bank."""

import time
from collections.abc import Callable
from selectors import EVENT_READ, DefaultSelector

from benchmarks.jobs.connection import BUSY, OK, Connection
from benchmarks.measure import Moved
from benchmarks.target import Target


class Load:
    """Clients that each send one request after another, and wait for each response.

    `following` makes the next request, and what it moves. `latencies` are those since the last
    clearing, and `moved` the total, both of the requests that were not refused as `busy`.
    """

    def __init__(self, target: Target, following: Callable[[], tuple[bytes, Moved]]) -> None:
        self.latencies: list[float] = []
        self.moved = Moved()
        self._target = target
        self._following = following
        self._selector = DefaultSelector()

    def begin(self, clients: int) -> None:
        for _ in range(clients):
            self._send(Connection(self._target.port, (OK, BUSY)))

    def go_on(self, seconds: float) -> None:
        """Reads responses and sends the next request after each, until the time is over."""
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
        request, moved = self._following()
        started = time.perf_counter()
        connection.send(request)
        self._selector.register(connection.fileno(), EVENT_READ, (connection, started, moved))

    def _answered(self, timeout: float | None) -> list[Connection]:
        """The connections whose response is complete, ready for the next request."""
        answered = []
        for key, _ in self._selector.select(timeout):
            connection, started, moved = key.data
            if (answer := connection.receive()) is not None:
                if not answer.startswith(BUSY):
                    self.latencies.append(time.perf_counter() - started)
                    self.moved += moved
                self._selector.unregister(key.fd)
                answered.append(connection)
        return answered
