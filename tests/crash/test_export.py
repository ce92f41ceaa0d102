"""An export that is killed at each step, meets a full disk, or may not write."""

import hashlib
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.failpoints import FAILPOINTS
from tests.crash.processes import PATIENCE_SECONDS, ROOT, eventually, is_stopped, started
from tests.factories import deposit, make_account
from transactions.exports.export import export as write_export

pytestmark = pytest.mark.django_db(transaction=True)

# The step at which it is killed: which changed files are new by then, and whether the manifest is.
OLD, MIXED, NEW = "old", "mixed", "new"
POINTS = {
    "export.block_written": (OLD, OLD),
    "export.file_sealed": (OLD, OLD),
    "export.all_sealed": (OLD, OLD),
    "export.file_published": (MIXED, OLD),
    "export.files_durable": (NEW, OLD),
    "export.manifest_published": (NEW, NEW),
}


def test_every_failpoint_is_killed_below() -> None:
    assert sorted(POINTS) == sorted(name for name in FAILPOINTS if name.startswith("export."))


def export(
    environment: dict[str, str],
    folder: Path,
    *,
    failpoint: str = "",
    preexec: Callable[[], Any] | None = None,
) -> "subprocess.CompletedProcess[str]":
    armed = {"BANK_FAILPOINTS": f"{failpoint}=kill"} if failpoint else {}
    return subprocess.run(
        [sys.executable, "manage.py", "export_data", "--dir", str(folder)],
        cwd=ROOT,
        env=environment | armed,
        capture_output=True,
        text=True,
        preexec_fn=preexec,
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def described(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file according to the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text())
    return {entry["name"]: entry["sha256"] for entry in manifest["files"]}


def require_whole(folder: Path) -> None:
    """Asserts that all files match the manifest, and that the folder has no other files."""
    hashes = described(folder)
    for name, sha256 in hashes.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert {path.name for path in folder.iterdir()} == {*hashes, "manifest.json", ".export.lock"}


def test_after_a_kill_each_file_is_old_or_new(environment: dict[str, str], tmp_path: Path) -> None:
    account = make_account(balance=100)
    write_export(tmp_path)
    for amount, (point, (files, manifest)) in enumerate(POINTS.items(), start=1):
        require_whole(tmp_path)
        old = contents(tmp_path)
        deposit(account, amount)
        (tmp_path / "copy").mkdir()
        write_export(tmp_path / "copy")
        new = contents(tmp_path / "copy")
        killed = export(environment, tmp_path, failpoint=point)
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)

        found = contents(tmp_path)
        changed = [name for name in described(tmp_path) if old[name] != new[name]]
        assert sorted(changed) == ["accounts.csv", "transactions.csv"]
        are_new = [found[name] == new[name] for name in changed]
        assert all(found[name] in (old[name], new[name]) for name in changed), point
        assert {OLD: [False, False], MIXED: [True, False], NEW: [True, True]}[files] == are_new
        assert (found["manifest.json"] == old["manifest.json"]) is (manifest == OLD)

        write_export(tmp_path)
        for path in (tmp_path / "copy").iterdir():
            path.unlink()
        (tmp_path / "copy").rmdir()


def test_a_full_disk_leaves_the_last_export(environment: dict[str, str], tmp_path: Path) -> None:
    account = make_account(balance=100)
    write_export(tmp_path)
    old = contents(tmp_path)
    deposit(account, "5.25")
    limit = 200  # bytes, so no file of the bank fits
    # SQLite's own copy of the database is large, and meets the limit first.
    full = export(
        environment,
        tmp_path,
        preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert full.returncode == 1
    assert full.stderr.startswith("CommandError: ")
    assert full.stderr.endswith(". Nothing was exported.\n")
    assert "Traceback" not in full.stderr
    assert contents(tmp_path) == old
    assert export(environment, tmp_path).returncode == 0
    require_whole(tmp_path)


@pytest.mark.sqlite
def test_without_room_for_its_copy_the_archive_is_not_checked(environment: dict[str, str]) -> None:
    full = subprocess.run(
        [sys.executable, "manage.py", "verify_archive"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200)),
        check=False,
    )
    assert full.returncode == 1
    assert full.stderr.startswith("CommandError: The archive could not be checked: ")
    assert full.stderr.endswith("cannot be copied beside itself: disk I/O error.\n")


def test_an_interrupt_leaves_nothing_and_says_so(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """Ctrl-C works even in a shell that makes its children ignore it."""
    folder = tmp_path / "export"
    folder.mkdir()
    command = [sys.executable, "manage.py", "export_data", "--dir", str(folder)]
    armed = environment | {"BANK_FAILPOINTS": "export.file_sealed=stop"}
    with started(
        command,
        armed,
        tmp_path / "log",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        eventually(lambda: is_stopped(process.pid))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        assert process.wait(PATIENCE_SECONDS) == 130
    assert (tmp_path / "log").read_text() == "Interrupted.\n"
    assert [path.name for path in folder.iterdir()] == [".export.lock"]
