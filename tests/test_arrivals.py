"""The load at a fixed rate: what it counts. A server of a few lines answers, late, or never."""

import socket
import threading
from collections import deque
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from benchmarks import curves
from benchmarks.jobs import arrivals
from benchmarks.jobs.arrivals import _Run
from benchmarks.target import People, Target

ANSWERS = {
    b"accept": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"refuse": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
}


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(client,), daemon=True).start()


def _answer(client: socket.socket) -> None:
    with client:
        while word := client.recv(6):
            if word in ANSWERS:
                client.sendall(ANSWERS[word])


def test_what_is_accepted_refused_and_dropped_is_counted(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "PATIENCE_SECONDS", 0.4)
    words = [b"accept", b"never_", b"accept", b"refuse", b"accept"]
    planned = deque((0.02 * place, word) for place, word in enumerate(words))
    target = Target(people=People([], None, ""), port=port)  # type: ignore[arg-type]
    run = _Run(target, planned, 0.1).run()
    assert (len(run.latencies), len(run.refusals), run.dropped) == (3, 1, 1)
    assert max(run.latencies) < 0.4


def test_a_latency_counts_from_the_planned_moment(port: int) -> None:
    target = Target(people=People([], None, ""), port=port)  # type: ignore[arg-type]
    run = _Run(target, deque([(-5.0, b"accept")]), 0.1).run()
    assert run.latencies[0] > 5
    assert run.lag > 5


def test_a_picture_has_a_curve_for_each_name_and_escapes_it() -> None:
    picture = curves.drawn({"p50 <s=1>": [(25, 10), (110, 80)], "p99": [(25, 30)]})
    drawn = ET.fromstring(picture)  # noqa: S314 - our own
    texts = [one.text for one in drawn.iter() if one.text]
    assert {"p50 <s=1>", "p99", "10 ms", "100 ms", "100 %"} <= set(texts)
