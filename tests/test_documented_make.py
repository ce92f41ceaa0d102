"""The documents' commands with `make`: one is run as written, and the words of all are read."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from tests import image
from tests.demo_bank import TOKEN
from tests.http import START_SECONDS, free_port, post, wait_until_ready
from tests.test_documented_commands import ROOT, TOUR, blocks

# The bank here is on SQLite, so one run of the suite is enough.
pytestmark = pytest.mark.sqlite


def test_the_tour_starts_a_bank_with_four_eyes(tmp_path: Path) -> None:
    """`make run` as written there. The pins are installed already, in the tests' environment."""
    (text,) = (block.text for block in blocks() if block.document == TOUR and not block.reason)
    image.copy_context(tmp_path)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    os.utime(tmp_path / "constraints.txt", (0, 0))
    port, log = free_port(), tmp_path / "log"
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "PORT": str(port)}
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["/bin/sh", "-c", text],
            cwd=tmp_path, env=environment, stdout=output, stderr=output, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            wait_until_ready(port, process, log, seconds=5 * START_SECONDS)  # It migrates first.
            (token,) = TOKEN.findall(log.read_text())
            url, bearer = f"http://127.0.0.1:{port}/api/v1/accounts/", f"Bearer {token}"
            account = json.loads(post(url, {"name": "Ada"}, Authorization=bearer)[1])["account_id"]
            deposit = f"{url}{account}/deposit/"
            for amount, status, waits in (("9999.99", 200, False), ("10000.00", 202, True)):
                answer = post(deposit, {"amount": amount}, Authorization=bearer)
                assert (answer[0], json.loads(answer[1])["approval_required"]) == (status, waits)
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_make_knows_each_target_and_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line with `make` is expanded, and the words for the programs behind it are read."""
    commands = [
        re.split(r" {2,}", line)[0]
        for block in blocks()
        for line in block.text.splitlines()
        if re.match(r"(?:[A-Z_]+=\S+ )*make ", line)
    ]
    assert len(commands) >= 11
    for command in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command.replace("make ", "make --dry-run ", 1)],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        words = shlex.split(done.stdout.splitlines()[-1])
        if words[1:3] == ["-m", "benchmarks"]:
            monkeypatch.setattr(sys, "argv", words[2:])
            assert benchmarks.select(benchmarks._options().only)
        if words[1:3] == ["-m", "tests"]:
            assert [name for name in words[3:] if not (ROOT / name).exists()] == []
