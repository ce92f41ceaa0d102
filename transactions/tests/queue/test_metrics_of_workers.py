"""Workers that no web server started show their metrics on a port of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from tests.http import ask, free_port, get
from tests.metrics import parsed, sums
from tests.operated import OperatedBank, operated_bank

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent.parent.parent
TOKEN = "only-for-tests-0123456789-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatedBank]:
    with operated_bank(tmp_path_factory.mktemp("bank")) as operated:
        yield operated


@contextmanager
def workers(bank: OperatedBank, *words: str) -> Iterator[str]:
    """Starts them, and gives the address of their metrics."""
    port = free_port()
    more = {"BANK_METRICS_PORT": str(port), "BANK_METRICS_TOKEN": TOKEN}
    command = [sys.executable, "manage.py", "process_transactions", *words]
    with subprocess.Popen(command, cwd=ROOT, env=bank.environment() | more) as started:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            started.send_signal(signal.SIGTERM)
            started.wait(60)


@pytest.mark.parametrize(("words", "count"), [((), 1), (("--workers", "2"), 2)])
def test_they_are_counted_together(bank: OperatedBank, words: tuple[str, ...], count: int) -> None:
    with workers(bank, *words) as url:
        until = time.monotonic() + 90
        while True:
            status, text = get(f"{url}/metrics", **BEARER)
            if status == 200 and sums(parsed(text), "bank_queue_workers")[()] == count:
                break
            assert time.monotonic() < until, (status, text)
            time.sleep(0.2)
        assert get(f"{url}/metrics")[0] == 401
        assert get(f"{url}/other", **BEARER)[0] == 404
        assert ask("POST", f"{url}/metrics", {}, BEARER).status == 405


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
