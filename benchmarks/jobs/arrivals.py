"""Requests that arrive at a fixed rate, whether the bank keeps up or not.

Clients that wait for each response send less while the bank is slow, and so hide its slowness. Here
the moments of the requests are chosen before, at random (a Poisson process), and a latency is the
time from that moment, even if the request could only be sent later.
"""

import time
from collections import deque
from dataclasses import dataclass, field
from random import Random
from selectors import EVENT_READ, DefaultSelector

from benchmarks.jobs.choices import Choice
from benchmarks.jobs.connection import BUSY, OK, Connection
from benchmarks.jobs.load import Load
from benchmarks.jobs.requests import Requests
from benchmarks.measure import WARM_UP_SHARE, Moved
from benchmarks.target import Target

# Of a hundred requests. The histories are latest pages.
MIX = {"transfer": 50, "deposit": 15, "withdraw": 5, "account": 20, "history": 10}
# A client waits for no longer. The request is counted as dropped.
PATIENCE_SECONDS = 10.0
# The bank closes connections that are idle for longer than its keep-alive of 5 s.
_KEPT_SECONDS = 3.0


@dataclass(slots=True)
class Arrivals:
    """What became of the requests of one run, which took `seconds`.

    `latencies` are the seconds of what was accepted, and `refusals` those of what was refused with
    `busy`. `dropped` got no response in time. `lag` is the longest time by which this program
    sent a request late: above some milliseconds it measures itself.
    """

    seconds: float
    latencies: list[float] = field(default_factory=list)
    refusals: list[float] = field(default_factory=list)
    dropped: int = 0
    lag: float = 0.0


def capacity(target: Target, seconds: float, *, skew: str, clients: int) -> float:
    """Responses a second of so many clients that wait for each response."""
    load = Load(target, _Mix(target, skew).following)
    load.begin(clients)
    load.go_on(seconds * WARM_UP_SHARE)
    load.latencies.clear()
    started = time.perf_counter()
    load.go_on(seconds)
    answered, elapsed = len(load.latencies), time.perf_counter() - started
    load.end()
    return answered / elapsed


def arrivals(target: Target, seconds: float, *, skew: str, rate: float) -> Arrivals:
    """Requests of the mix at `rate` a second, on average."""
    mix, chance = _Mix(target, skew), Random()  # noqa: S311 - a load, not a secret
    at, planned = 0.0, deque[tuple[float, bytes]]()
    while (at := at + chance.expovariate(rate)) < seconds:
        planned.append((at, mix.following()[0]))
    return _Run(target, planned, seconds).run()


class _Mix:
    def __init__(self, target: Target, skew: str) -> None:
        self._requests = Requests(target, skew)
        self._choice = Choice(target, skew)
        self._random = Random()  # noqa: S311 - a load, not a secret

    def following(self) -> tuple[bytes, Moved]:
        (kind,) = self._random.choices(list(MIX), weights=list(MIX.values()))
        if kind == "account":
            return self._requests.account(self._choice.account()), Moved()
        if kind == "history":
            return self._requests.latest(self._choice.account()), Moved()
        return self._requests.command([kind])


class _Run:
    def __init__(self, target: Target, planned: deque[tuple[float, bytes]], seconds: float) -> None:
        self._port = target.port
        self._planned = planned
        self._result = Arrivals(seconds)
        self._selector = DefaultSelector()
        # With the moment of their last response.
        self._idle: list[tuple[Connection, float]] = []
        # By the file descriptor: the connection, and the moment that was planned.
        self._asking: dict[int, tuple[Connection, float]] = {}

    def run(self) -> Arrivals:
        started = time.perf_counter()
        while self._planned or self._asking:
            now = time.perf_counter() - started
            while self._planned and self._planned[0][0] <= now:
                self._send(*self._planned.popleft(), now)
            self._give_up(now)
            until = self._planned[0][0] - now if self._planned else PATIENCE_SECONDS
            for key, _ in self._selector.select(max(0.0, min(until, PATIENCE_SECONDS / 10))):
                self._receive(key.fd, started)
        for connection, _ in self._idle:
            connection.close()
        self._selector.close()
        return self._result

    def _send(self, planned_at: float, request: bytes, now: float) -> None:
        connection = self._connection(now)
        try:
            connection.send(request)
        except OSError:
            connection.close()
            self._result.dropped += 1
            return
        self._result.lag = max(self._result.lag, now - planned_at)
        self._asking[connection.fileno()] = connection, planned_at
        self._selector.register(connection.fileno(), EVENT_READ)

    def _connection(self, now: float) -> Connection:
        """One that the bank keeps open, or a new one."""
        while self._idle:
            connection, answered_at = self._idle.pop()
            if now - answered_at < _KEPT_SECONDS:
                return connection
            connection.close()
        return Connection(self._port, (OK, BUSY))

    def _receive(self, fd: int, started: float) -> None:
        connection, planned_at = self._asking[fd]
        answer = connection.receive()
        if answer is None:
            return
        self._selector.unregister(fd)
        del self._asking[fd]
        now = time.perf_counter() - started
        is_accepted = answer.startswith(OK)
        of_its_kind = self._result.latencies if is_accepted else self._result.refusals
        of_its_kind.append(now - planned_at)
        self._idle.append((connection, now))

    def _give_up(self, now: float) -> None:
        for fd, (connection, planned_at) in list(self._asking.items()):
            if now - planned_at > PATIENCE_SECONDS:
                self._selector.unregister(fd)
                del self._asking[fd]
                connection.close()
                self._result.dropped += 1
