"""`manage.py serve` says clearly why it cannot listen, and serves with gunicorn where it can."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from bankproject.management.commands.serve import require_free_address

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def embedded_bank(tmp_path):
    """The environment of a migrated SQLite bank in a folder of its own."""
    environment = os.environ | {"DATABASE_URL": "", "BANK_DATA_DIR": str(tmp_path)}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    return environment


def _serve(environment=os.environ, **variables):
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_free_address_passes():
    require_free_address("127.0.0.1", _free_port())


def test_taken_port_is_named_with_another_choice(taken_port):
    with pytest.raises(CommandError) as caught:
        require_free_address("127.0.0.1", taken_port)
    assert str(caught.value) == (
        f"Port {taken_port} of 127.0.0.1 is taken. "
        f"Choose another one: make run PORT={taken_port + 1}"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_address_of_another_machine_is_refused(host):
    with pytest.raises(CommandError, match=f"HOST '{host}' is not an address of this machine"):
        require_free_address(host, _free_port())


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_impossible_port_ends_with_a_word_and_code_1(port):
    with _serve(PORT=port) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert "CommandError: PORT must be a whole number from 1" in output
    assert "Traceback" not in output


def test_taken_port_ends_with_code_1(embedded_bank, taken_port):
    with _serve(embedded_bank, PORT=str(taken_port)) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert f"Port {taken_port} of 127.0.0.1 is taken." in output


def test_bank_without_guards_is_not_served(tmp_path):
    with _serve(DATABASE_URL="", BANK_DATA_DIR=str(tmp_path), PORT=str(_free_port())) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert output.startswith("CommandError: The database lacks ")
    assert output.endswith("Run `manage.py migrate` first.\n")


def test_serves_and_stops_on_ctrl_c(embedded_bank):
    port = _free_port()
    with _serve(embedded_bank, PORT=str(port)) as process:
        try:
            assert _answers(port, process)
            # As the terminal does: to the master and its workers alike.
            os.killpg(process.pid, signal.SIGINT)
            output = process.communicate(timeout=60)[0]
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert f"The bank is served on http://127.0.0.1:{port}/" in output
    assert "Control socket" not in output
    require_free_address("127.0.0.1", port)


def _answers(port, process):
    """Whether the bank says within a minute that it is well."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            url = f"http://127.0.0.1:{port}/api/v1/health/"
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response) == {"status": "ok"}
        except OSError:
            time.sleep(0.1)
    return False
