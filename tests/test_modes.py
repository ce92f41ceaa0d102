"""Only the bank's own user can read its files, whatever the umask of the caller."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from django.db import connection

from tests.checkout import Checkout
from tests.crash.processes import eventually
from tests.http import post, post_form
from tests.scratch import empty_bank


def _post(url: str, token: str, body: Mapping[str, str]) -> dict[str, str]:
    status, answer = post(url, body, Authorization=f"Bearer {token}")
    assert status in (200, 201), answer
    found: dict[str, str] = json.loads(answer)
    return found


def _token(url: str, credentials: Mapping[str, str]) -> str:
    form = credentials | {
        "grant_type": "client_credentials",
        "scope": "accounts:write transactions:write",
    }
    _, answer = post_form(f"{url}/oauth/token/", form)
    token: str = json.loads(answer)["access_token"]
    return token


def _work(checkout: Checkout, url: str) -> None:
    """Does a day's work: requests, the queue, an archive, an export and a backup."""
    client = json.loads(
        checkout.run("manage.py", "create_api_client", "Till", "--user=susan", "--json")
    )
    token = _token(url, client)
    account = _post(f"{url}/accounts/", token, {"name": "Ada", "initial_balance": "5.00"})
    _post(f"{url}/accounts/{account['account_id']}/deposit/", token, {"amount": "2.50"})
    batch = checkout.folder / "inbox" / "batch.csv"
    batch.parent.mkdir()
    batch.write_text(f"type,account_id,amount\nDEPOSIT,{account['account_id']},1.00\n")
    checkout.brought |= {batch, batch.parent}
    checkout.run("manage.py", "post_batch", str(batch))
    checkout.run("manage.py", "archive_transactions", "--keep-last=1")
    checkout.run("manage.py", "export_data")
    (checkout.folder / "backups").mkdir(0o700)
    checkout.run("deploy/backups.py", "backup", str(checkout.folder / "backups"))


def _require_own(checkout: Checkout, made: dict[str, int]) -> None:
    wrong = {
        path: f"{mode:04o}"
        for path, mode in made.items()
        if mode != (0o700 if (checkout.folder / path).is_dir() else 0o600)
    }
    assert wrong == {}


@pytest.mark.django_db
def test_nobody_else_reads_what_a_run_makes(tmp_path: Path, show: Callable[[str], None]) -> None:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "bank").mkdir()
    with empty_bank(tmp_path / "scratch") as scratch:
        checkout = Checkout(tmp_path / "bank", 0o000, scratch.environment["DATABASE_URL"])
        checkout.run("manage.py", "migrate", "--verbosity=0")
        checkout.run("manage.py", "setup_demo")
        with checkout.served("manage.py", "serve") as url:
            _work(checkout, url)
            made = checkout.made()  # Some files exist only while it serves.
        made |= checkout.made()
    _require_own(checkout, made)
    show(f"{len(made)} files and folders are the bank's own")
    names = {Path(path).name for path in made}
    assert {
        "secret_key",
        "archived_transactions.csv",
        "manifest.json",
        "batch.csv.results",
    } <= names
    assert ("demo_logins.txt" in names) is (connection.vendor == "sqlite")
    assert len(made) >= 15


@pytest.mark.sqlite
def test_nobody_else_reads_what_gunicorn_makes(tmp_path: Path) -> None:
    """SQLite creates a missing file when it is opened, even before there is a bank."""
    checkout = Checkout(tmp_path, 0o022, "")
    database = checkout.data / "bank.sqlite3"
    process = checkout.start("-m", "gunicorn", "--config=python:bankproject.gunicorn_conf")
    try:
        eventually(database.exists)
    finally:
        process.terminate()
        process.communicate(timeout=60)
    made = checkout.made()
    _require_own(checkout, made)
    assert {"data", "data/bank.sqlite3", "data/secret_key"} <= made.keys()
