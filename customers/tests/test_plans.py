"""The reads of one customer among many use an index; the list reads a page and no more."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Account
from core.identifiers import IdRange, uuid7
from core.numbers import new_number
from core.sql.bulk import analyse
from customers.models import Customer, CustomerEvent
from customers.selectors import customers_named, page_of_customers
from tests.api import make_user
from tests.factories import make_account, make_customer
from tests.plans import plan_of, scans_of, statements_of, touched_rows

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MANY = 2_000
PAGE = 50


@pytest.fixture
def known() -> Customer:
    """A customer with a user and an account, among many others."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    numbers = {new_number(10) for _ in range(MANY)}
    Customer.objects.bulk_create(
        [
            Customer(
                id=uuid7(start + timedelta(seconds=index)),
                number=number,
                name=f"Customer {index}",
                email=f"c{index}@example.com",
                phone=f"+1202555{index:05d}",
                created_at=start,
                updated_at=start,
            )
            for index, number in enumerate(sorted(numbers))
        ],
        batch_size=1000,
    )
    customer = make_customer(user="ada", email="ada@example.com", phone="+442079460958")
    make_account(customer_id=customer.pk)
    for table in ("customers_customer", "customers_customerevent", "accounts_account"):
        analyse(table)
    return customer


READS: dict[str, Callable[[Customer], Any]] = {
    "by number": lambda one: customers_named(one.number, 2),
    "by user": lambda one: Customer.objects.filter(user=one.user_id).first(),
    "by e-mail": lambda one: _first(Customer.objects.filter(email=one.email)),
    "by phone": lambda one: _first(Customer.objects.filter(phone=one.phone)),
    "the accounts": lambda one: list(Account.objects.filter(customer=one.pk).order_by("-id")[:20]),
    "the events": lambda one: list(CustomerEvent.objects.filter(customer=one.pk)[:20]),
}


def _first(rows: QuerySet[Any]) -> Any:
    return list(rows.order_by()[:2])


@pytest.mark.parametrize("name", READS)
def test_one_customer_is_read_by_an_index(known: Customer, name: str) -> None:
    statements = statements_of(lambda: READS[name](known))
    assert statements
    for statement in statements:
        if connection.vendor == "postgresql":
            assert touched_rows(statement) <= 2 * PAGE, plan_of(statement)
        else:
            assert scans_of(statement) == []


def test_a_page_of_the_list_is_read_and_no_more(known: Customer) -> None:
    auditor = make_user("aldo", role="auditor")
    fetch = page_of_customers(auditor, Q(), IdRange())
    (*_, statement) = statements_of(lambda: fetch(after=None, backwards=False, limit=PAGE))
    if connection.vendor == "postgresql":
        assert touched_rows(statement) <= 6 * PAGE
    else:  # The walk in the order of the primary key ends with the page.
        assert all("USING INDEX" in step for step in scans_of(statement))
