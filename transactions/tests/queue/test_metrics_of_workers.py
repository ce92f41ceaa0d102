"""Workers that no web server started show their metrics on a port of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.crash.processes import eventually, kill_a_child
from tests.http import ask, free_port, get
from tests.metrics import Series, falls, parsed, sums
from tests.operated import OperatedBank, operated_bank

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TOKEN = "only-for-tests-0123456789-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
DJANGO = {"DJANGO_SETTINGS_MODULE": "bankproject.settings"}
QUEUE = """
import django; django.setup()
from decimal import Decimal
from tests.factories import make_account
from transactions.commands import Deposit
from transactions.tests.queueing import queue_up
account = make_account()
queue_up(*[Deposit(account_id=account.id, amount=Decimal(1))] * {count})
"""
STATES = """
import collections, json
import django; django.setup()
from transactions.models import Transaction
print(json.dumps(collections.Counter(Transaction.objects.values_list("status", flat=True))))
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatedBank]:
    with operated_bank(tmp_path_factory.mktemp("bank")) as operated:
        yield operated


@contextmanager
def workers(bank: OperatedBank, *words: str) -> Iterator[tuple[str, int]]:
    """Starts them, and gives the address of their metrics and the number of their process."""
    port = free_port()
    more = {"BANK_METRICS_PORT": str(port), "BANK_METRICS_TOKEN": TOKEN}
    command = [sys.executable, "manage.py", "process_transactions", *words]
    with subprocess.Popen(command, cwd=ROOT, env=bank.environment() | more) as started:
        try:
            yield f"http://127.0.0.1:{port}", started.pid
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(60)


def reading(url: str) -> dict[Series, float]:
    """Empty while they do not answer."""
    status, text = get(f"{url}/metrics", **BEARER)
    return parsed(text) if status == 200 else {}


def alive(url: str) -> int:
    return int(sums(reading(url), "bank_queue_workers")[()])


def queue_deposits(bank: OperatedBank, count: int) -> None:
    """Queues deposits for a new account."""
    code, _, err = bank.run("-c", QUEUE.format(count=count), **DJANGO)
    assert code == 0, err


def completed(bank: OperatedBank) -> int:
    """The completed deposits, once nothing waits."""
    for _ in range(150):
        code, out, err = bank.run("-c", STATES, **DJANGO)
        assert code == 0, err
        states = json.loads(out)
        if states.keys() <= {"COMPLETED"}:
            return int(states.get("COMPLETED", 0))
        time.sleep(0.2)
    pytest.fail(f"The queue does not end: {states}")


def counted(series: dict[Series, float]) -> int:
    return int(sums(series, "bank_transactions_total", "status")["COMPLETED",])


@pytest.mark.parametrize(("words", "count"), [((), 1), (("--workers", "2"), 2)])
def test_they_are_counted_together(bank: OperatedBank, words: tuple[str, ...], count: int) -> None:
    with workers(bank, *words) as (url, _):
        eventually(lambda: alive(url) == count)
        assert get(f"{url}/metrics")[0] == 401
        assert get(f"{url}/other", **BEARER)[0] == 404
        assert ask("POST", f"{url}/metrics", {}, BEARER).status == 405


def test_a_killed_worker_is_replaced_and_its_counts_stay(bank: OperatedBank) -> None:
    """What it did between its COMMIT and its count is lost with it, and never doubled."""
    with workers(bank, "--workers", "2") as (url, pid):
        eventually(lambda: alive(url) == 2)
        before, last = completed(bank), reading(url)
        random = Random(1)  # noqa: S311 - chance that can be repeated
        for _ in range(3):
            queue_deposits(bank, 200)
            kill_a_child(pid, random)
            eventually(lambda: alive(url) == 2)
            assert not falls(last, reading(url))
            last = reading(url)
        all_rows = completed(bank) - before
        series = reading(url)
        assert not falls(last, series)
        assert 0 < counted(series) <= all_rows == 600
        queue_deposits(bank, 50)
        assert completed(bank) == before + all_rows + 50
        assert counted(reading(url)) == counted(series) + 50


def test_a_port_that_is_taken_is_one_sentence() -> None:
    import socket

    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with (
            override_settings(METRICS_PORT=port, HOST="127.0.0.1"),
            pytest.raises(CommandError, match=f"BANK_METRICS_PORT {port} of 127.0.0.1 cannot"),
        ):
            call_command("process_transactions")
