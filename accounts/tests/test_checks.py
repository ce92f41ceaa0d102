"""Every CHECK and UNIQUE of accounts and their events, and that none is missing here."""

import re
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import CheckConstraint, UniqueConstraint
from django.utils import timezone

from accounts.commands.base import record_event
from accounts.models import Account, AccountEvent
from accounts.states import AccountEventType
from core.money import MAX_BALANCE_UNITS
from tests.assertions import refused_by_database
from tests.factories import ORIGIN, make_account
from transactions.tests.past_the_ledger import insert, update

pytestmark = pytest.mark.django_db

INTERNAL = {"kind": "INTERNAL", "code": "FEES", "balance": None, "last_sequence": None}

# Values that a new row must not have.
REFUSED_ROWS: list[tuple[str, dict[str, Any]]] = [
    # An unknown kind breaks two of them; PostgreSQL names the first in alphabetical order.
    ("account_(kind_and_status_known|internal_has_no_balance)", INTERNAL | {"kind": "BANK"}),
    ("account_kind_and_status_known", {"status": "FROZEN"}),
    ("account_internal_has_no_balance", INTERNAL | {"balance": 0}),
    ("account_internal_has_no_balance", INTERNAL | {"last_sequence": 0}),
    ("account_internal_has_no_balance", INTERNAL | {"code": ""}),
    ("account_internal_has_no_balance", INTERNAL | {"overdraft_limit": 1}),
    ("account_internal_has_no_balance", {"code": "FEES"}),
    ("account_internal_has_no_balance", {"balance": None}),
    ("account_internal_has_no_balance", {"last_sequence": None}),
    ("account_idempotency_key_has_caller", {"idempotency_key": "k"}),
    ("account_idempotency_key_has_caller", {"idempotency_caller": "user:7"}),
    ("account_balance_comes_from_entries", {"last_posted_at": timezone.now()}),
]
# Changes that must fail on an account with 7.00.
REFUSED_CHANGES: list[tuple[str, str]] = [
    ("account_balance_within_overdraft", "balance = -1, last_sequence = 2"),
    ("account_balance_within_overdraft", "overdraft_limit = 5, balance = -6, last_sequence = 2"),
    # One unit of 1/10,000 below the overdraft limit.
    (
        "account_balance_within_overdraft",
        "overdraft_limit = 50000, balance = -50001, last_sequence = 2",
    ),
    ("account_overdraft_limit_not_negative", "overdraft_limit = -1"),
    ("account_closed_is_empty", "status = 'CLOSED'"),
    ("account_balance_comes_from_entries", "last_posted_at = NULL"),
    # The range of AmountField.
    ("balance", f"balance = {MAX_BALANCE_UNITS + 1}, last_sequence = 2"),
    ("overdraft.limit", f"overdraft_limit = {MAX_BALANCE_UNITS + 1}"),
]


def new_account(**columns: Any) -> Account:
    now = timezone.now()
    values = {"id": uuid4(), "number": "1", "currency": "USD", "created_at": now, "updated_at": now}
    return Account(**values | columns)


def tell_limit(account: Account, assignments: str) -> None:
    """Records the event of a new limit; without it a guard would refuse before the CHECK does."""
    if found := re.search(r"overdraft_limit = (-?\d+)", assignments):
        limit = {"overdraft_limit": f"{Decimal(found[1]) / 10_000:f}"}
        event = AccountEventType.OVERDRAFT_LIMIT_CHANGED
        record_event(account, event, ORIGIN, timezone.now(), reason="", before={}, after=limit)


@pytest.mark.parametrize(("constraint", "columns"), REFUSED_ROWS)
def test_a_new_account_is_checked(constraint: str, columns: dict[str, Any]) -> None:
    with refused_by_database(constraint):
        insert(new_account(**columns))


@pytest.mark.parametrize(("constraint", "assignments"), REFUSED_CHANGES)
def test_a_change_is_checked(constraint: str, assignments: str) -> None:
    account = make_account(balance=7)
    tell_limit(account, assignments)
    with refused_by_database(constraint):
        update(account, assignments)


def test_an_internal_account_has_no_owner(django_user_model) -> None:
    owner = django_user_model.objects.create_user("customer")
    with refused_by_database("account_internal_has_no_balance"):
        insert(new_account(owner=owner, **INTERNAL))


def test_the_limits_themselves_are_allowed() -> None:
    account = make_account(balance=7)
    tell_limit(account, "overdraft_limit = 50000")
    update(account, "balance = -50000, last_sequence = 2, overdraft_limit = 50000")
    update(account, f"balance = {MAX_BALANCE_UNITS}, last_sequence = 3")
    insert(new_account(**INTERNAL))
    insert(new_account(number="2", idempotency_caller="user:7", idempotency_key="k"))


@pytest.mark.parametrize(
    ("constraint", "columns"),
    [
        ("number", {"number": "1"}),
        ("account_internal_code_unique", INTERNAL),
        ("account_idempotency_key_unique", {"idempotency_caller": "u", "idempotency_key": "k"}),
    ],
)
def test_unique_columns_are_unique(constraint: str, columns: dict[str, Any]) -> None:
    insert(new_account(**columns))
    # SQLite names the columns, PostgreSQL the constraint.
    names = "number|code|idempotency_caller" if connection.vendor == "sqlite" else constraint
    with refused_by_database(names):
        insert(new_account(**{"number": "2"} | columns))


@pytest.mark.parametrize("name", ["last_sequence", "balance"])
def test_a_customer_s_numbers_never_become_null(name: str) -> None:
    account = make_account(balance=7)
    with refused_by_database(r"account_internal_has_no_balance|changes only by posting"):
        update(account, f"{name} = NULL")


def test_the_kind_of_an_event_is_known() -> None:
    opened = make_account().events.get()
    with refused_by_database("account_event_known"):
        insert(AccountEvent(id=uuid4(), account=opened.account, event="SOLD", at=opened.at))


def test_no_constraint_is_left_out() -> None:
    checks = {item.name for item in Account._meta.constraints if isinstance(item, CheckConstraint)}
    tried = {name for name, _ in [*REFUSED_ROWS, *REFUSED_CHANGES]}
    assert checks - tried == set()
    unique = {item.name for item in Account._meta.constraints if isinstance(item, UniqueConstraint)}
    assert unique == {"account_internal_code_unique", "account_idempotency_key_unique"}
    assert [item.name for item in AccountEvent._meta.constraints] == ["account_event_known"]
