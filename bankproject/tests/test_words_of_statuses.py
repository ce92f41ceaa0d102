"""What was rejected or reversed has a word of its own wherever the console shows a status."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Account
from core.commands import Origin
from tests.admin import logged_in, words_of
from tests.api import make_user
from tests.factories import make_account, make_customer, run
from transactions.commands import Deposit, Reject, Reverse, Withdraw
from transactions.models import Transaction, TransactionEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def susan() -> Any:
    return make_user("susan", role="supervisor")


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", customer_id=make_customer(name="Ada Lovelace").pk)


@pytest.fixture
def movements(ada: Account, susan: Any, settings: Any) -> list[Transaction]:
    """A rejected, a reversed and a failed one, and the reversal."""
    tessa = make_user("tessa", role="teller")
    teller = Origin(user_id=tessa.pk, caller=f"user:{tessa.pk}")
    supervisor = Origin(user_id=susan.pk, caller=f"user:{susan.pk}")
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(500)}
    asked = run(Deposit(account_id=ada.id, amount=Decimal(600), description="Van"), teller)
    run(Reject(transaction_id=asked.id, reason="No papers"), supervisor)
    moved = run(Deposit(account_id=ada.id, amount=Decimal(11), description="Lamp"), teller)
    run(Reverse(transaction_id=moved.id, reason="Twice"), supervisor)
    run(Withdraw(account_id=ada.id, amount=Decimal(13), description="Desk"), teller)
    return list(Transaction.objects.order_by("id"))


def test_in_the_search(movements: list[Transaction], susan: Any) -> None:
    client = logged_in(susan)
    for text, status in (("Van", "Rejected"), ("Lamp", "Reversed"), ("Desk", "Failed")):
        words = words_of(client.get("/admin/search/", {"q": text}).content.decode())
        assert f", {status}, " in words, words


def test_on_the_customers_page(ada: Account, movements: list[Transaction], susan: Any) -> None:
    page = reverse("admin:customers_customer_change", args=[ada.customer_id])
    shown = logged_in(susan).get(page).context["movements"]
    found = {one.description: one.status for one in shown}
    assert (found["Van"], found["Lamp"], found["Desk"]) == ("Rejected", "Reversed", "Failed")


def test_in_the_exported_list(movements: list[Transaction], susan: Any) -> None:
    response = logged_in(susan).post(
        reverse("admin:transactions_transaction_changelist"),
        {"action": "export_csv", "_selected_action": [str(row.pk) for row in movements]},
    )
    content = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = csv.DictReader(io.StringIO(content))
    statuses = {(row["Amount"], row["Type"]): row["Status"] for row in rows}
    assert statuses == {
        ("600.00", "Deposit"): "Rejected",
        ("11.00", "Deposit"): "Reversed",
        ("11.00", "Reversal"): "Completed",
        ("13.00", "Withdrawal"): "Failed",
    }


def test_in_the_statistics_and_their_file(movements: list[Transaction], susan: Any) -> None:
    client = logged_in(susan)
    page = client.get("/admin/statistics/", {"interval": "day"})
    (failed,) = [one for one in page.context["figures"] if one.label == "Failed"]
    assert (failed.value, failed.explanation) == ("25.00%", "1 transaction")
    counts = page.context["drawings"][0]
    assert [name for name, _ in counts.legend] == [
        *("Completed", "Failed", "Rejected or cancelled", "Not ended"),
    ]
    by_type, reasons, decided = page.context["tables"]
    rows = {row[0].text: [cell.text for cell in row[1:]] for row in by_type.rows}
    assert rows == {
        "Deposit": ["2", "1", "0", "1", "0", "0.00%"],
        "Withdrawal": ["1", "0", "1", "0", "0", "100.00%"],
        "Reversal": ["1", "1", "0", "0", "0", "0.00%"],
    }
    assert [[cell.text for cell in row] for row in reasons.rows] == [["Insufficient funds", "1"]]
    assert [[cell.text for cell in row] for row in decided.rows] == [["Rejected", "1"]]
    response = client.get("/admin/statistics/export/", {"interval": "day"})
    content = b"".join(response.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    found = {row["type"]: row for row in csv.DictReader(io.StringIO(content))}
    deposits = found["DEPOSIT"]
    assert (deposits["transactions"], deposits["completed"], deposits["failed"]) == ("2", "1", "0")
    assert deposits["rejected_or_cancelled"] == "1"
    assert found["WITHDRAW"]["failed"] == "1"


def test_in_the_audit_log_and_the_list_of_events(movements: list[Transaction], susan: Any) -> None:
    client = logged_in(susan)
    events = client.get("/admin/audit/", {"what": "decisions"}).context["entries"]
    assert ("Pending", "Rejected") in [(entry.before, entry.after) for entry in events]
    asked = client.get("/admin/audit/", {"what": "transactions"}).context["entries"]
    outcomes = [entry.after for entry in asked]
    assert "Rejected by now" in outcomes
    assert "Reversed by now" in outcomes
    event = TransactionEvent.objects.get(event="REJECTED")
    for page in (
        reverse("admin:transactions_transactionevent_changelist"),
        reverse("admin:transactions_transactionevent_change", args=[event.pk]),
    ):
        assert "→ Rejected" in words_of(client.get(page).content.decode())
