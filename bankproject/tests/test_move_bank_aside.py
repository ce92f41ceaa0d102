"""`make fresh` moves the old bank aside as a whole, and the new one works in every way."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bankproject.tests.test_wrong_settings import start_all
from tests.checkout import ROOT, Checkout

FIT = {
    "DATABASE_URL": "postgresql://bank@192.0.2.1/bank",
    "DJANGO_ALLOWED_HOSTS": "bank.example.com",
    "DJANGO_SECRET_KEY": "pZ8-tR4vK1mW7yB3nQ9xC5sD2fG6hJ0aL_eUiOwYbVcXzAqSdFgHj",
}
ARCHIVE = ["manage.py", "archive_transactions", "--keep-last=0", "--json"]


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout with a Makefile, and a virtual environment that counts as installed."""
    made = Checkout(tmp_path, 0o022, "")
    shutil.copy(ROOT / "Makefile", tmp_path)
    bin_folder = tmp_path / ".venv" / "bin"
    bin_folder.mkdir(parents=True)
    python = bin_folder / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for name in (".made", ".installed"):
        (tmp_path / ".venv" / name).touch()
    return made


def make_fresh(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", "fresh"],  # noqa: S607 - of this system
        cwd=checkout.folder,
        env=checkout.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.sqlite
def test_a_fresh_bank_can_archive_and_the_old_one_is_whole(checkout: Checkout) -> None:
    first = make_fresh(checkout)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"There is no bank in {checkout.data}: nothing to move.\n")
    assert "The demo bank is ready." in first.stdout
    checkout.run(*ARCHIVE)
    checkout.run("manage.py", "export_data", "--spreadsheet")
    before = files(checkout.data)

    second = make_fresh(checkout)
    assert second.returncode == 0, second.stderr
    assert "The demo bank is ready." in second.stdout
    (aside,) = checkout.data.glob("aside-*")
    assert f"The bank in {checkout.data} was moved to {aside}: " in second.stdout
    moved = files(aside)
    stayed = {"README.md", "bank.sqlite3.migrate-lock", "bank.sqlite3.serving-lock"}
    assert moved == {name: data for name, data in before.items() if name not in stayed}
    names = {"bank.sqlite3", "archived_transactions.csv", "demo_logins.txt", "secret_key"}
    assert names <= moved.keys()
    assert aside.stat().st_mode & 0o777 == 0o700

    assert json.loads(checkout.run(*ARCHIVE))["rows"] > 0
    for verify in ("verify_archive", "verify_ledger"):
        assert json.loads(checkout.run("manage.py", verify, "--json"))["ok"] is True
    # The old bank passes too, in its own folder.
    checkout.environment["BANK_DATA_DIR"] = str(aside)
    for verify in ("verify_archive", "verify_ledger"):
        assert json.loads(checkout.run("manage.py", verify, "--json"))["ok"] is True


@pytest.mark.sqlite
def test_a_bank_that_is_served_is_not_moved(checkout: Checkout) -> None:
    checkout.run("manage.py", "migrate", "--verbosity=0")
    with checkout.served("manage.py", "serve", "--without-worker"):
        before = {path.name for path in checkout.data.iterdir()}
        refused = make_fresh(checkout)
        assert refused.returncode != 0
        assert refused.stderr.startswith("The bank is being served. Stop it first.\n")
        assert {path.name for path in checkout.data.iterdir()} == before
    assert make_fresh(checkout).returncode == 0


@pytest.mark.sqlite
def test_a_broken_database_is_moved_too(tmp_path: Path) -> None:
    (tmp_path / "bank.sqlite3").write_bytes(b"no database at all" * 100)
    (tmp_path / "remarks.csv").write_text("not the bank's")
    ((code, output),) = start_all(tmp_path, [("move_bank_aside --dry-run", {})])
    assert (code, "bank.sqlite3, secret_key.\n" in output) == (0, True)
    assert (tmp_path / "bank.sqlite3").exists()
    ((code, _),) = start_all(tmp_path, [("move_bank_aside", {})])
    assert code == 0
    (aside,) = tmp_path.glob("aside-*")
    assert sorted(path.name for path in aside.iterdir()) == ["bank.sqlite3", "secret_key"]
    assert (tmp_path / "remarks.csv").exists()


def test_only_a_demo_bank_on_sqlite_is_moved(tmp_path: Path) -> None:
    starts = [("move_bank_aside", {"DATABASE_URL": FIT["DATABASE_URL"]}), ("move_bank_aside", FIT)]
    for code, output in start_all(tmp_path, starts):
        assert code == 1
        assert "Only a bank on SQLite that is not for production is moved aside" in output
