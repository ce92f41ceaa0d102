"""The page of a transaction: its headline, both accounts, its story, and only what has a value."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.utils import flatten_fieldsets

from core.commands import Origin
from tests.admin import logged_in_as, transaction_url, words_of
from tests.api import make_user
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit, Transfer
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def page_of(row: Any, role: str = "supervisor") -> str:
    return logged_in_as(role).get(transaction_url(row)).content.decode()


def test_the_page_begins_with_what_it_is_and_from_whom_to_whom() -> None:
    ada, bob = make_account(name="Ada", balance=5), make_account(name="Bob")
    row = run(Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(3)))
    row = Transaction.objects.get(pk=row.id)
    words = words_of(page_of(row))
    assert "Transfer 3.00 USD - Completed" in words
    assert f"From Ada {ada.number} Balance after: 2.00 USD" in words
    assert f"To Bob {bob.number} Balance after: 3.00 USD" in words
    assert words.index("To Bob") < words.index("What happened to it") < words.index("Course")
    assert "Show it in the audit log" in words


def test_empty_fields_are_left_out_and_technical_ones_are_folded() -> None:
    row = stored(deposit(make_account(), 3))
    response = logged_in_as("auditor").get(transaction_url(row))
    shown = flatten_fieldsets(
        [(fieldset.name, {"fields": fieldset.fields}) for fieldset in response.context["adminform"]]
    )
    for name in ("description", "failure", "batch", "scheduled_for", "lease_token", "reverses"):
        assert name not in shown, name
    for name in ("created_at", "id", "credit_sequence", "request_id"):
        assert name in shown, name
    folded = {one.name for one in response.context["adminform"] if "collapse" in one.classes}
    assert folded == {"Course", "Record"}


def test_the_link_to_the_audit_log_is_for_its_readers() -> None:
    row = stored(deposit(make_account(), 3))
    html = page_of(row, "auditor")
    link = re.search(r'href="(/admin/audit/[^"]+)"', html)
    assert link
    assert f"transaction={row.pk}" in link[1]
    assert "Show it in the audit log" not in page_of(row, "teller")


def test_transactions_are_found_by_their_maker() -> None:
    account = make_account()
    tessa = make_user("tessa", role="teller")
    run(
        Deposit(account_id=account.id, amount=Decimal(1)),
        Origin(user_id=tessa.pk, caller=f"user:{tessa.pk}"),
    )
    deposit(account, 2)
    client = logged_in_as("auditor")
    for name, count in (("tessa", 1), ("auditor", 0), ("nobody", 0)):
        listed = client.get("/admin/transactions/transaction/", {"made_by": name})
        assert listed.context["cl"].result_count == count, name


def stored(row: Any) -> Transaction:
    return Transaction.objects.get(pk=row.id)
