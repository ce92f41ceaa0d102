"""A lost database is restored from its data folder as documented, and the bank goes on.

The archive has grown since the last export, so only the archive knows the transactions in between.
"""

import csv
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.operated import Client, OperatedBank, operated_bank

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

EVERYTHING = ("--keep-last", "0", "--include-failed")
# Properties of a transaction that the archive does not have.
_FORGOTTEN = ("updated_at", "retry_count", "events", "entries", "reversed_by")
NAMES = ("Ada", "Bob", "Cleo")


def open_accounts(client: Client) -> list[str]:
    opened = []
    for name in NAMES:
        status, account = client.post("accounts/", {"name": name, "initial_balance": "1000.00"})
        assert status == 201, account
        opened.append(account["account_id"])
    _, yen = client.post("accounts/", {"name": "Jun", "currency": "JPY", "initial_balance": "500"})
    return [*opened, yen["account_id"]]


def go_on(client: Client, accounts: list[str]) -> None:
    """Makes all kinds of transactions, settled at once or by the worker."""
    ada, bob, cleo, jun = accounts

    def move(path: str, code: int = 200, **body: Any) -> dict[str, Any]:
        headers = {"Idempotency_Key": uuid4().hex} | body.pop("headers", {})
        status, answer = client.post(path, body, **headers)
        assert status == code, answer
        found: dict[str, Any] = answer
        return found

    for amount in ("12.50", "0.01", "99.99"):
        move(f"accounts/{ada}/deposit/", amount=amount, description='Wages, "January"\u00e9')
    sent = move(f"accounts/{ada}/transfer/", target_account_id=bob, amount="33.33")
    move(f"transactions/{sent['transaction_id']}/reverse/", reason="Sent twice")
    move(f"accounts/{bob}/withdraw/", 400, amount="99999")
    move(f"accounts/{jun}/withdraw/", amount="7")
    items = [
        {"type": "TRANSFER", "account_id": cleo, "target_account_id": bob, "amount": "1.25"},
        {"type": "DEPOSIT", "account_id": cleo, "amount": "8.00"},
        {"type": "WITHDRAW", "account_id": bob, "amount": "50000"},
    ]
    move("transactions/batch/", transactions=items)
    later = {"Prefer": "respond-async"}
    move(f"accounts/{cleo}/deposit/", 202, amount="5.00", headers=later)
    _wait_for_worker(client)


def _wait_for_worker(client: Client) -> None:
    deadline = time.monotonic() + 60
    while client.get("transactions/?status=PENDING")["results"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def books(client: Client, accounts: list[str]) -> dict[str, Any]:
    """All accounts and transactions, as the API shows them."""
    rows = client.all_of("transactions/?page_size=100")
    for failure in filter(None, (row["failure"] for row in rows)):
        # An archived failure is final. After an import the next run archives it again.
        del failure["retryable"]
    return {
        "balances": {one: client.get(f"accounts/{one}/")["balance"] for one in accounts},
        "entries": {one: client.all_of(f"accounts/{one}/entries/") for one in accounts},
        "transactions": [
            {name: value for name, value in row.items() if name not in _FORGOTTEN} for row in rows
        ],
    }


def require_same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    assert (found["balances"], found["entries"]) == (expected["balances"], expected["entries"])
    rows = zip(found["transactions"], expected["transactions"], strict=True)
    differ = [
        (name, one[name], other[name])
        for one, other in rows
        for name in other
        if one[name] != other[name]
    ]
    assert differ == [], differ


def archived_ids(data: Path) -> list[str]:
    with (data / "archived_transactions.csv").open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def archive(bank: OperatedBank) -> int:
    taken: int = bank.summary("archive_transactions", *EVERYTHING, "--json")["rows"]
    return taken


def find_what_came_later(bank: OperatedBank, later: int) -> None:
    """Asserts that the import stops at later transactions, loads nothing, and says what to do."""
    for options in ((), ("--dry-run",)):
        code, out, err = bank.run(
            "manage.py", "import_data", str(bank.data), *options, role="owner"
        )
        assert (code, out) == (4, "")
        assert f"archived_transactions.csv has {later} transactions that came after" in err
        assert "--later take" in err
        assert "Traceback" not in err


def test_a_bank_whose_database_is_lost_comes_back_and_goes_on(tmp_path: Path) -> None:
    with operated_bank(tmp_path) as bank:
        with bank.served("chief") as client:
            accounts = open_accounts(client)
            go_on(client, accounts)
            assert bank.summary("export_data", "--json")["files"]
            first = archive(bank)
            go_on(client, accounts)
            later = archive(bank)
            expected = books(client, accounts)
        assert first > 10 < later
        assert len(archived_ids(bank.data)) == len(expected["transactions"])

        bank.lose_database()
        bank.migrate()
        find_what_came_later(bank, later)
        take = ("import_data", str(bank.data), "--later", "take")
        summary = bank.summary(*take, "--dry-run", role="owner")
        assert (summary["taken"], summary["left"]) == (later, 0)
        summary = bank.summary(*take, role="owner")
        assert (summary["taken"], summary["left"]) == (later, 0)
        bank.require_true_books()

        with bank.served("chief-again") as client:
            require_same(books(client, accounts), expected)
            go_on(client, accounts)
            archive(bank)
            bank.summary("export_data", "--json")
            expected = books(client, accounts)
        bank.require_true_books()
        known = [row["transaction_id"] for row in expected["transactions"]]
        assert sorted(archived_ids(bank.data)) == sorted(known)

        # Lost again; now the export has everything.
        bank.lose_database()
        bank.migrate()
        summary = bank.summary("import_data", str(bank.data), role="owner")
        assert summary["transactions"] + summary["archived_transactions"] == len(known)
        bank.require_true_books()
        with bank.served("chief-at-last") as client:
            require_same(books(client, accounts), expected)
