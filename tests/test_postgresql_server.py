"""The servers that the tests start are real, survive a crash, and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.postgresql import postgresql_server
from tests.postgresql_installations import newest_installation, oldest_installation

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(params=[oldest_installation, newest_installation])
def installation(request):
    return request.param()


def _processes_in(folder):
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(str(folder) in word for word in process.info["cmdline"] or ())
    ]


def test_server_is_what_it_says(installation):
    with (
        postgresql_server(installation, settings={"work_mem": "5MB"}) as server,
        psycopg.connect(server.url) as connection,
    ):
        major_version = connection.info.server_version // 10_000
        values = {
            name: connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]
            for name in ("server_encoding", "max_connections", "fsync", "work_mem")
        }
        assert major_version == installation.version[0] >= 15
        assert connection.info.dbname == "bank"
        assert (server.data_dir / "PG_VERSION").read_text().strip() == str(major_version)
    assert values == {
        "server_encoding": "UTF8",
        "max_connections": "200",
        "fsync": "on",
        "work_mem": "5MB",
    }


def test_fsync_can_be_off():
    with (
        postgresql_server(fsync=False) as server,
        psycopg.connect(server.url) as connection,
    ):
        assert connection.execute("SHOW fsync").fetchone() == ("off",)


def test_password_is_required():
    with (
        postgresql_server(fsync=False) as server,
        pytest.raises(psycopg.OperationalError, match="password authentication failed"),
    ):
        psycopg.connect(server.url, password="wrong")


def test_committed_rows_survive_kill_and_uncommitted_do_not(installation):
    with postgresql_server(installation) as server:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (number integer)")
            connection.execute("INSERT INTO kept VALUES (1), (2)")
            connection.execute("BEGIN")
            connection.execute("INSERT INTO kept VALUES (3)")
            server.kill9()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("COMMIT")
        assert not server.is_running()
        server.start()
        with psycopg.connect(server.url) as connection:
            rows = connection.execute("SELECT number FROM kept ORDER BY number").fetchall()
    assert rows == [(1,), (2,)]


@pytest.mark.parametrize("killed", [False, True])
def test_nothing_is_left_behind(installation, killed):
    with postgresql_server(installation, fsync=False) as server:
        folder, port = server.folder, server.port
        assert _processes_in(folder)
        if killed:
            server.kill9()
    assert not folder.exists()
    assert _processes_in(folder) == []
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_ctrl_c_leaves_nothing_behind():
    # Set as in a terminal. A shell makes its background processes ignore Ctrl-C.
    program = (
        "import signal, time; from tests.postgresql import postgresql_server\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with postgresql_server(fsync=False) as server:\n"
        "    print(server.folder, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        folder = Path(process.stdout.readline().strip())
        assert _processes_in(folder)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=60)[1]
    assert "KeyboardInterrupt" in errors
    assert not folder.exists()
    assert _processes_in(folder) == []


_SLOW_TEST = """
import os, pathlib, time

def test_slow():
    began = pathlib.Path(__file__).with_name("began")
    written = began.with_name("written")
    written.write_text(os.environ["DATABASE_URL"] + "\\n" + os.environ["BANK_DATA_DIR"])
    written.rename(began)
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_runner_leaves_nothing_behind(tmp_path, number):
    """Stops the runner midway, in the background of a shell that makes it ignore Ctrl-C."""
    (tmp_path / "test_slow.py").write_text(_SLOW_TEST)
    began = tmp_path / "began"
    command = 'trap \'\' INT; exec "$0" -m tests --database postgresql -n0 --no-cov "$1"'
    with subprocess.Popen(
        ["/bin/sh", "-c", command, sys.executable, tmp_path / "test_slow.py"],
        cwd=ROOT,
        # Keeps the server and the coverage data of the surrounding run out of it.
        env=os.environ | {"DATABASE_URL": "", "COVERAGE_FILE": str(tmp_path / "coverage")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        while not began.exists() and process.poll() is None:
            time.sleep(0.1)
        url, data_dir = began.read_text().splitlines()
        with psycopg.connect(url) as connection:
            [server_data_dir] = connection.execute("SHOW data_directory").fetchone()
        process.send_signal(number)
        output = process.communicate(timeout=120)[0]
    assert process.returncode == 128 + number, output
    assert not Path(data_dir).exists()
    assert not Path(server_data_dir).parent.exists()
    assert _processes_in(server_data_dir) == []
