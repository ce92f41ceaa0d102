"""Counts requests. The route is a pattern of the routes, never a path that somebody sent."""

import time
from bisect import bisect_left
from functools import cache

from prometheus_client.samples import Exemplar

from core.metrics.instruments import (
    HTTP_IN_FLIGHT,
    HTTP_REQUESTS,
    HTTP_SECONDS,
    REQUEST_SECONDS,
    Instrument,
    no_room_is_no_fault,
    note_cpu,
)

# A route, a method and a class of statuses ("2xx").
Key = tuple[str, str, str]

_CLASSES = ("0xx", "1xx", "2xx", "3xx", "4xx", "5xx")
# The latest request of this process in each bucket, as an example of it.
_examples: dict[tuple[Key, int], tuple[float, str, float]] = {}

begin = HTTP_IN_FLIGHT.inc
end = HTTP_IN_FLIGHT.dec


@cache
def _series(key: Key) -> tuple[Instrument, Instrument]:
    return HTTP_REQUESTS.labels(*key), HTTP_SECONDS.labels(*key)


def observe(route: str, method: str, status: int, seconds: float, trace_id: str) -> None:
    """Counts an answered request by its route's pattern, its method and its status."""
    key = route, method, _CLASSES[min(status // 100, 5)]
    with no_room_is_no_fault():
        requests, duration = _series(key)
        requests.inc()
        duration.observe(seconds)
    _examples[key, bisect_left(REQUEST_SECONDS, seconds)] = seconds, trace_id, time.time()
    note_cpu()


def example(labels: dict[str, str]) -> Exemplar | None:
    """The latest request of this process in the bucket with these labels, `le` among them."""
    key = labels["route"], labels["method"], labels["status"]
    found = _examples.get((key, bisect_left(REQUEST_SECONDS, float(labels["le"]))))
    if found is None:
        return None
    seconds, trace_id, at = found
    return Exemplar({"trace_id": trace_id}, seconds, at)
