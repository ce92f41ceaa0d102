"""Customers move between banks with their accounts; older exports have none."""

import json
from pathlib import Path

import pytest

from accounts.commands import CloseAccount, CloseCustomer
from accounts.models import Account
from customers.commands import ChangeCustomer
from customers.models import Customer, CustomerEvent
from tests.exports import contents, export_inside, export_of
from tests.factories import make_account, make_customer, run
from transactions.commands import ForgetCustomer
from transactions.files.customers import ACCOUNT_CUSTOMERS, CUSTOMER_EVENTS, CUSTOMERS
from transactions.tests.files.test_import_export import (
    UNKNOWN_ID,
    change_row,
    import_data,
    refused,
)
from transactions.tests.queueing import assert_clean

pytestmark = pytest.mark.django_db

NEW = (CUSTOMERS, ACCOUNT_CUSTOMERS, CUSTOMER_EVENTS)


def fill_bank() -> None:
    """A customer with a user, one without, an organisation, and one who is forgotten."""
    ada = make_customer(
        user="ada", email="ada@example.com", phone="+44 20 7946 0958", note='"Letters",\nplease'
    )
    run(ChangeCustomer(customer_id=ada.pk, details={"address": "12, St James's Square"}))
    shop = make_customer(name="Corner Shop", kind="ORGANISATION", registration_number="HRB 7")
    for customer in (ada, shop):
        make_account(customer_id=customer.pk, balance=7, name="Savings")
    make_account()
    gone = make_customer(user="eve", name="Eve")
    account = make_account(customer_id=gone.pk, name="Eve")
    run(CloseAccount(account_id=account.pk, reason="Left"))
    run(CloseCustomer(customer_id=gone.pk, reason="Left"))
    run(ForgetCustomer(customer_id=gone.pk, reason="Asked for it"))


@pytest.fixture
def exported(archive_file: Path, tmp_path: Path) -> Path:
    return export_of(fill_bank, tmp_path / "exported")


def test_customers_come_out_again_as_they_went_in(exported: Path, tmp_path: Path) -> None:
    summary = import_data(exported)
    assert (summary["customers"], summary["accounts_of_customers"]) == (3, 3)
    assert contents(export_inside(tmp_path / "again")) == contents(exported)
    ada = Customer.objects.get(email="ada@example.com")
    account = Account.objects.get(customer=ada)
    assert account.owner == ada.user
    assert account.owner is not None
    assert account.owner.get_username() == "ada"
    assert ada.events.get(event="CHANGED").changed == ["address"]
    assert "Eve" not in (exported / "customers.csv").read_text("utf-8")
    assert_clean()


def test_an_export_without_customers_loads_as_before(exported: Path) -> None:
    manifest = json.loads((exported / "manifest.json").read_text())
    names = {form.file_name for form in NEW}
    manifest["files"] = [entry for entry in manifest["files"] if entry["name"] not in names]
    (exported / "manifest.json").write_text(json.dumps(manifest))
    for name in names:
        (exported / name).unlink()
    summary = import_data(exported)
    assert "customers" not in summary
    assert Account.objects.filter(customer__isnull=False).count() == 0
    assert CustomerEvent.objects.count() == 0
    assert_clean()


def test_a_bank_with_a_customer_is_not_empty(exported: Path) -> None:
    make_customer()
    assert refused(exported)[0].startswith("This bank is not empty.")


@pytest.mark.parametrize(
    ("name", "column", "cell", "reason"),
    [
        ("customers.csv", "birth_date", "10.12.1985", "A day is written as 2026-01-31."),
        ("customers.csv", "kind", "ROBOT", "'ROBOT' is not known here."),
        ("customers.csv", "status", "GONE", "'GONE' is not known here."),
        ("account_customers.csv", "customer_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("account_customers.csv", "id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("customer_events.csv", "customer_id", UNKNOWN_ID, f"There is no {UNKNOWN_ID}"),
        ("customer_events.csv", "changed", '["name","note"]', "A JSON array is required"),
    ],
)
def test_a_bad_cell_is_named(
    exported: Path, name: str, column: str, cell: str, reason: str
) -> None:
    change_row(exported, name, 1, **{column: cell})
    assert any(
        line.startswith(f"  {name}, line 2, column {column}: ") and reason in line
        for line in refused(exported)
    )


def test_an_account_of_another_login_is_refused(exported: Path) -> None:
    """The owner of a customer's account is the customer's user: the database refuses others."""
    change_row(exported, "accounts.csv", 2, owner="mallory")
    assert refused(exported)
