"""The daily threshold at every programmatic entry point: routes, batches, files."""

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import Account
from tests.api import API, ApiClient, account_path, assert_problem, make_user, staff
from tests.assertions import nothing_changes
from tests.factories import make_account
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture(autouse=True)
def _thresholds(settings: Any) -> None:
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {"USD": Decimal(100)}


@pytest.fixture
def ada() -> Account:
    return make_account(balance=50)


@pytest.fixture
def teller() -> ApiClient:
    return staff("teller")


def told(response: Any) -> tuple[int, str, bool]:
    body = response.json()
    return response.status_code, body["status"], body["approval_required"]


@pytest.mark.parametrize("headers", [{}, ASYNC])
def test_the_one_that_passes_the_threshold_is_accepted_and_waits(
    teller: ApiClient, ada: Account, headers: dict[str, str]
) -> None:
    path = account_path(ada, "deposit")
    first = told(teller.post(path, {"amount": "60"}, headers=headers))
    assert first == ((202, "PENDING", False) if headers else (200, "COMPLETED", False))
    with nothing_changes():
        dry = told(teller.post(f"{path}?dry_run=true", {"amount": "41"}, headers=headers))
    assert dry == (200, "PENDING", True)
    response = teller.post(path, {"amount": "41"}, headers=headers)
    assert told(response) == (202, "PENDING", True)
    waiting = response.json()["transaction_id"]
    assert response["Location"].endswith(f"/transactions/{waiting}/")
    approved = staff("supervisor").post(f"{API}transactions/{waiting}/approve/", {"reason": "Ok"})
    assert told(approved) == (200, "COMPLETED", True)
    assert told(teller.post(path, {"amount": "40"}, headers=headers))[2] is False


def test_items_of_a_batch_add_up(teller: ApiClient, ada: Account) -> None:
    item = {"type": "DEPOSIT", "account_id": str(ada.id), "amount": "33.34"}
    body: dict[str, Any] = {"transactions": [item] * 3, "atomic": True}
    with nothing_changes():
        refused = teller.post(f"{API}transactions/batch/", body)
    detail = "A movement that needs approval cannot be in an atomic batch: send it by itself."
    assert_problem(refused, "approval_required", detail, index=2)
    answer = teller.post(f"{API}transactions/batch/", body | {"atomic": False}).json()
    assert [one["status"] for one in answer["results"]] == [
        "COMPLETED",
        "COMPLETED",
        "PENDING",
    ]


def test_pieces_of_a_file_add_up(ada: Account, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("transactions.management.commands.post_batch._PIECE", 2)
    make_user("teller", role="teller")
    path = tmp_path / "movements.csv"
    line = f"DEPOSIT,{ada.id},,40,,"
    path.write_text(
        "type,account_id,target_account_id,amount,description,idempotency_key\n"
        + "".join(f"{line}k{number}\n" for number in range(3))
    )
    output = StringIO()
    call_command("post_batch", str(path), "--actor", "teller", stdout=output)
    assert json.loads(output.getvalue())["pending"] == 1
    rows = Transaction.objects.filter(batch__isnull=False).order_by("id")
    assert [row.approval_required for row in rows] == [False, False, True]
