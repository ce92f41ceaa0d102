"""The price of a webhook: single commands while a worker delivers every event, or has none to do.

The worker is a process of its own, started as in production.
"""

import subprocess
import sys
import time
from typing import Any

from django.contrib.auth import get_user_model

from benchmarks.jobs.commands import single
from benchmarks.jobs.preparation import ROOT
from benchmarks.measure import Slice
from benchmarks.processors import used_seconds
from benchmarks.target import Target
from core.commands import Origin
from webhooks import endpoints, replay
from webhooks.models import Delivery, Endpoint
from webhooks.states import DeliveryStatus

_PATIENCE_SECONDS = 300  # A busy machine takes a minute to start the worker.
_COMMAND = (sys.executable, "manage.py", "process_transactions")
_ORIGIN = Origin(caller="job:benchmark", as_customer=True)
_worker: "subprocess.Popen[bytes] | None" = None


def start_worker(_target: Target) -> None:
    global _worker  # noqa: PLW0603 - the worker of this process's bank
    _worker = subprocess.Popen(_COMMAND, cwd=ROOT, stdout=subprocess.DEVNULL)


def stop_worker(_target: Target) -> None:
    assert _worker is not None
    _worker.terminate()
    assert _worker.wait(_PATIENCE_SECONDS) == 0


def listen(_target: Target, *, url: str) -> None:
    """Makes a webhook of all events. Returns when the worker serves it: a test has arrived."""
    user = get_user_model().objects.get(username="teller")
    endpoint, _ = endpoints.make(user, _ORIGIN, url=url)
    test = replay.send_test(endpoint, _ORIGIN)
    until = time.monotonic() + _PATIENCE_SECONDS
    while not Delivery.objects.filter(pk=test.pk, status=DeliveryStatus.DELIVERED).exists():
        assert time.monotonic() < until, Endpoint.objects.values()
        time.sleep(0.1)


def listen_no_more(_target: Target) -> None:
    """Deletes the webhook, whatever is left to send. Returns when the worker is idle."""
    for endpoint in Endpoint.objects.all():
        endpoints.delete(endpoint, _ORIGIN)
    time.sleep(1)


def measured(target: Target, seconds: float, *, database_pid: int) -> tuple[Slice, dict[str, Any]]:
    """A slice of single transfers, and what was delivered and used during its whole time."""
    assert _worker is not None
    delivered, began = _delivered(), time.perf_counter()
    worker, database = used_seconds(_worker.pid), used_seconds(database_pid)
    found = single(target, seconds, kinds=("transfer",))
    took = time.perf_counter() - began
    return found, {
        "took": took,
        "commands": found.cpu_share or 0.0,
        "delivered": (_delivered() - delivered) / took,
        "worker": (used_seconds(_worker.pid) - worker) / took,
        "database": (used_seconds(database_pid) - database) / took,
    }


def _delivered() -> int:
    return Delivery.objects.filter(status=DeliveryStatus.DELIVERED).count()
