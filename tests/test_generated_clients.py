"""docs/clients.md: its commands generate clients from docs/openapi.yaml, which work with a bank."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest

from tests.conftest import NO_TYPESCRIPT
from tests.demo_bank import ROOT, DemoBank, demo_bank
from tests.http import get, post_form

pytestmark = [pytest.mark.slow, pytest.mark.sqlite]

PAGE = ROOT / "docs" / "clients.md"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# npm's errors when it reaches no registry.
_UNREACHABLE = re.compile(
    r"\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|E?TIMEDOUT|ENETUNREACH)\b"
)
# Without a network npm would retry for more than a minute.
_ONE_SHORT_RETRY = {"npm_config_fetch_retries": "1", "npm_config_fetch_retry_mintimeout": "1000"}
_TIMEOUT_SECONDS = 300
SCOPES = "accounts:read transactions:read"
SAID = """\
Balance after the transfer: 69.75
Refused: insufficient_funds: 69.75 USD available, 500.00 USD needed.
TRANSFER debit 500.00 FAILED
TRANSFER debit 30.25 COMPLETED
DEPOSIT credit 100.00 COMPLETED
Lines of the CSV file: 4
"""


@pytest.fixture(scope="module")
def bank() -> Iterator[DemoBank]:
    with demo_bank() as served:
        yield served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout with the files that the commands need."""
    shutil.copytree(
        ROOT / "docs" / "clients",
        tmp_path / "docs" / "clients",
        ignore=shutil.ignore_patterns("bank_client", "node_modules", "build", "bank.d.ts"),
    )
    shutil.copy(ROOT / "docs" / "openapi.yaml", tmp_path / "docs")
    # Tools search the folders above for the settings of a project.
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


def run(folder: Path, bank: DemoBank, commands: str) -> subprocess.CompletedProcess[str]:
    credentials = {
        "BANK_URL": bank.url,
        "CLIENT_ID": bank.client_id,
        "CLIENT_SECRET": bank.client_secret,
    }
    return subprocess.run(
        ["/bin/sh", "-e", "-c", commands],
        cwd=folder,
        env=os.environ | credentials | _ONE_SHORT_RETRY | _npm_cache(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )


def _npm_cache(folder: Path) -> dict[str, str]:
    """npm keeps its cache and log in the home folder, which a service user does not have."""
    return {"npm_config_cache": str(folder / "npm")}


def commands_of(language: str) -> str:
    (block,) = (each for each in _BLOCK.findall(PAGE.read_text()) if f"clients/{language}" in each)
    return block


def test_the_python_client_moves_money(bank: DemoBank, folder: Path) -> None:
    done = run(folder, bank, commands_of("python"))
    assert done.returncode == 0, done.stdout
    assert "Success: no issues found" in done.stdout
    assert done.stdout.endswith(SAID)
    check_books(bank, "Python")


def test_the_typescript_client_moves_money(bank: DemoBank, folder: Path) -> None:
    if missing := [name for name in ("node", "npm") if shutil.which(name) is None]:
        pytest.skip(f"{NO_TYPESCRIPT}: without {' and '.join(missing)}")
    done = run(folder, bank, commands_of("typescript"))
    if done.returncode != 0 and _UNREACHABLE.search(done.stdout):
        pytest.skip(f"{NO_TYPESCRIPT}: npm reaches no registry")
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith(SAID)
    check_books(bank, "TypeScript")


def check_books(bank: DemoBank, language: str) -> None:
    """Asserts, from the bank's own responses, that one deposit and one transfer moved money."""
    ask = reader(bank)
    accounts = ask("accounts/", search=language)["results"]
    assert {account["name"]: account["balance"] for account in accounts} == {
        f"{language} Payer": "69.75",
        f"{language} Payee": "30.25",
    }
    (payer,) = (each["account_id"] for each in accounts if each["name"].endswith("Payer"))
    moved = ask(f"accounts/{UUID(payer)}/transactions/", status="COMPLETED")["results"]
    assert [(row["type"], row["amount"]) for row in moved] == [
        ("TRANSFER", "30.25"),
        ("DEPOSIT", "100.00"),
    ]


def reader(bank: DemoBank) -> Any:
    """A function that reads from the bank by plain HTTP."""
    form = {
        "grant_type": "client_credentials",
        "scope": SCOPES,
        "client_id": bank.client_id,
        "client_secret": bank.client_secret,
    }
    status, body = post_form(f"{bank.url}/api/v1/oauth/token/", form)
    assert status == 200, body
    token = json.loads(body)["access_token"]

    def ask(path: str, **query: str) -> Any:
        url = f"{bank.url}/api/v1/{path}?{urlencode(query)}"
        status, body = get(url, Authorization=f"Bearer {token}")
        assert status == 200, body
        return json.loads(body)

    return ask


def test_the_lock_of_npm_names_no_host() -> None:
    """It also pins every package by its digest."""
    lock = json.loads((ROOT / "docs/clients/typescript/package-lock.json").read_text())
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert len(packages) > 30
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert [name for name, each in packages.items() if "integrity" not in each] == []
    wanted = lock["packages"][""]
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in versions} == versions
