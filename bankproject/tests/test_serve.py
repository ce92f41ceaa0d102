"""`manage.py serve` says clearly why it cannot listen; otherwise it serves with gunicorn."""

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, nullcontext, suppress
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from bankproject.management.commands.serve import require_free_address
from bankproject.production import require_own_machine
from tests.http import free_port, get

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """A folder with a migrated SQLite bank, to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    environment = os.environ | {"DATABASE_URL": "", "BANK_DATA_DIR": str(folder)}
    migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    return folder


@pytest.fixture
def embedded_bank(migrated, tmp_path):
    """The environment of a migrated SQLite bank in its own folder."""
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    return os.environ | {"DATABASE_URL": "", "BANK_DATA_DIR": str(tmp_path)}


def _serve(environment=os.environ, *arguments, **variables):
    return subprocess.Popen(
        [sys.executable, "manage.py", "serve", *arguments],
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_free_address_passes():
    require_free_address("127.0.0.1", free_port())


def test_taken_port_is_named_with_another_choice(taken_port):
    with pytest.raises(CommandError) as caught:
        require_free_address("127.0.0.1", taken_port)
    assert str(caught.value) == (
        f"Port {taken_port} of 127.0.0.1 is taken. "
        f"Choose another one: make run PORT={taken_port + 1}"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_address_of_another_machine_is_refused(host):
    refused = pytest.raises(
        (CommandError, ImproperlyConfigured),
        match=f"HOST '{host}' is not an address of this machine",
    )
    with refused:
        require_free_address(host, free_port())


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_impossible_port_ends_with_a_word_and_code_1(port):
    with _serve(PORT=port) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert output == f"PORT must be a whole number from 1 to 65535, not {port!r}.\n"


def test_taken_port_ends_with_code_1(embedded_bank, taken_port):
    with _serve(embedded_bank, PORT=str(taken_port)) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert f"Port {taken_port} of 127.0.0.1 is taken." in output


def test_make_run_looks_at_the_address_before_it_makes_a_bank(tmp_path, taken_port):
    """And before it prints a token, which would be useless."""
    environment = os.environ | {"DATABASE_URL": "", "BANK_DATA_DIR": str(tmp_path / "data")}
    for variables, expected in (
        ({"PORT": str(taken_port)}, (1, f"Port {taken_port} of 127.0.0.1 is taken.")),
        ({"HOST": "0.0.0.0"}, (1, "HOST 0.0.0.0 lets other machines reach the bank")),  # noqa: S104
        ({"PORT": str(free_port())}, (0, "")),
    ):
        with _serve(environment, "--check-address", **variables) as process:
            output = process.communicate(timeout=60)[0]
        assert (process.returncode, expected[1] in output) == (expected[0], True), output
    assert not (tmp_path / "data" / "bank.sqlite3").exists()
    recipe = (ROOT / "Makefile").read_text().partition("\nrun:")[2].partition("\n\n")[0]
    assert recipe.index("--check-address") < recipe.index("migrate") < recipe.index("setup_demo")


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104
def test_other_machines_reach_a_production_bank_only(embedded_bank, host):
    variables = {"HOST": host, "PORT": str(free_port()), "DJANGO_ALLOWED_HOSTS": ""}
    with _serve(embedded_bank, **variables) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert output.count("\n") == 1
    assert output.startswith(f"HOST {host} lets other machines reach the bank")
    assert "DJANGO_ALLOWED_HOSTS" in output


@pytest.mark.parametrize(
    ("address", "production", "is_served"),
    [
        ("127.0.0.1", False, True),
        ("127.8.9.1", False, True),
        ("::1", False, True),
        ("0.0.0.0", False, False),  # noqa: S104
        ("192.0.2.1", False, False),
        ("fe80::1", False, False),
        ("localhost", False, True),
        ("0.0.0.0", True, True),  # noqa: S104
    ],
)
def test_which_addresses_are_served(address, production, is_served):
    expected = (
        nullcontext() if is_served else pytest.raises(ImproperlyConfigured, match="reach the bank")
    )
    with expected:
        require_own_machine(address, 5000, production=production)


@pytest.mark.parametrize("bound", [{"HOST": "0.0.0.0"}, {"GUNICORN_CMD_ARGS": "--bind=0.0.0.0:1"}])  # noqa: S104
def test_gunicorn_by_itself_keeps_other_machines_out_too(embedded_bank, bound):
    command = [sys.executable, "-m", "gunicorn", "--config=python:bankproject.gunicorn_conf"]
    variables = {"PORT": str(free_port()), "DJANGO_ALLOWED_HOSTS": "", **bound}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=embedded_bank | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("HOST 0.0.0.0 lets other machines reach")
    assert "Listening" not in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost", "::1"])
def test_every_address_of_this_machine_is_served(embedded_bank, host):
    """Linux has all of 127.0.0.0/8; other systems have only one address of it."""
    port = free_port()
    try:
        require_free_address(host, port)
    except CommandError:
        pytest.skip(f"this machine has no {host}")
    with _serve(embedded_bank, "--without-worker", HOST=host, PORT=str(port)) as process:
        try:
            assert _answers(port, process, f"[{host}]" if ":" in host else host)
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_bank_without_guards_is_not_served(tmp_path):
    with _serve(DATABASE_URL="", BANK_DATA_DIR=str(tmp_path), PORT=str(free_port())) as process:
        output = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert output.startswith("The database lacks ")
    assert output.endswith("Run `manage.py migrate` first.\n")


_QUEUE_A_DEPOSIT = """
from decimal import Decimal
from accounts.commands import OpenAccount
from core.commands import Origin
from transactions.commands import Deposit
from transactions.ledger.processor import process
from transactions.queue.acceptance import accept
(account,) = process([OpenAccount(name="Ada", currency="USD")], Origin())
accept([Deposit(account_id=account.id, amount=Decimal(7))], Origin())
"""


def _status(embedded_bank):
    """The status of the bank's only transaction."""
    path = Path(embedded_bank["BANK_DATA_DIR"], "bank.sqlite3")
    with closing(sqlite3.connect(path, timeout=60)) as database:
        return database.execute("SELECT status FROM transactions_transaction").fetchone()[0]


@pytest.mark.parametrize("arguments", [[], ["--without-worker"]])
def test_a_worker_of_the_queue_comes_and_goes_with_the_server(embedded_bank, arguments):
    code = [sys.executable, "manage.py", "shell", "--no-imports", "-c", _QUEUE_A_DEPOSIT]
    subprocess.run(code, cwd=ROOT, env=embedded_bank, check=True)
    port = free_port()
    with _serve(embedded_bank, *arguments, PORT=str(port)) as process:
        try:
            assert _answers(port, process)
            deadline = time.monotonic() + 60
            while not arguments and _status(embedded_bank) != "COMPLETED":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            # A service manager signals only the master.
            process.terminate()
            output = process.communicate(timeout=60)[0]
        finally:
            process.kill()
    # The output has ended, so no process is left that could write to it.
    assert process.returncode == 0, output
    assert output.count("Processed 1 transactions.") == (0 if arguments else 1)
    assert (" started at " in output) is not bool(arguments)
    assert _status(embedded_bank) == ("PENDING" if arguments else "COMPLETED")


def _supervisor(process, *but):
    """Waits for the process that the server starts for the queue; returns its id."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for task in Path(f"/proc/{process.pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                with suppress(OSError):  # It may just have ended.
                    command = Path(f"/proc/{child}/cmdline").read_bytes()
                    if b"--supervise" in command and child not in but:
                        return child
        time.sleep(0.1)
    raise AssertionError("No supervisor was started.")


def _until_the_queue_is(port, wanted):
    """Waits up to a minute until readiness reports this about the queue; returns the status."""
    deadline = time.monotonic() + 60
    while True:
        status, body = get(f"http://127.0.0.1:{port}/api/v1/health/ready/")
        if json.loads(body)["checks"]["queue"] == wanted:
            return status
        assert time.monotonic() < deadline, body
        time.sleep(0.1)


@pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="needs Linux's /proc"
)
def test_a_supervisor_that_is_killed_is_replaced(embedded_bank):
    port = free_port()
    with _serve(embedded_bank, PORT=str(port)) as process:
        try:
            assert _answers(port, process)
            first = _supervisor(process)
            os.kill(first, signal.SIGKILL)
            second = _supervisor(process, first)
            # An early end counts as trouble until a replacement runs steadily.
            os.kill(second, signal.SIGKILL)
            assert _until_the_queue_is(port, "its worker keeps ending") == 503
            _supervisor(process, first, second)
            assert _until_the_queue_is(port, "ok") == 200
            code = [sys.executable, "manage.py", "shell", "--no-imports", "-c", _QUEUE_A_DEPOSIT]
            subprocess.run(code, cwd=ROOT, env=embedded_bank, check=True)
            deadline = time.monotonic() + 60
            while _status(embedded_bank) != "COMPLETED":
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.terminate()
            output = process.communicate(timeout=60)[0]
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert output.count("The worker of the queue has ended; another starts in") == 2


def test_serves_and_stops_on_ctrl_c(embedded_bank):
    port = free_port()
    with _serve(embedded_bank, PORT=str(port)) as process:
        try:
            assert _answers(port, process)
            # A terminal signals the master and its workers.
            os.killpg(process.pid, signal.SIGINT)
            output = process.communicate(timeout=60)[0]
        finally:
            process.kill()
    assert process.returncode == 0, output
    assert f"The bank is served on http://127.0.0.1:{port}/" in output
    assert "Control socket" not in output
    require_free_address("127.0.0.1", port)


def _answers(port, process, host="127.0.0.1"):
    """Whether the bank reports within a minute that it is well."""
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        status, body = get(f"http://{host}:{port}/api/v1/health/")
        if status:
            return json.loads(body) == {"status": "ok"}
        time.sleep(0.1)
    return False
