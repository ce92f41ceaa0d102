"""Each search reads indexes, by the planner's own choice in a bank with many of everything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from accounts.models import CASH, Account, internal_account_id
from accounts.words import AccountWord, UserWord
from bankproject.console.search import search
from core.identifiers import uuid7
from core.name_words import add_words
from core.numbers import new_account_number, new_number
from core.sql.bulk import analyse
from customers.models import Customer
from customers.words import CustomerWord
from tests.api import make_user
from tests.factories import make_account
from tests.plans import nodes, plan_of, scans_of, statements_of
from transactions.models import Transaction
from transactions.reads import search as transaction_search
from transactions.states import TransactionStatus

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

MANY = 10_000
START = datetime(2026, 1, 1, tzinfo=UTC)
BIG = (
    "transactions_transaction",
    "accounts_account",
    "customers_customer",
    "auth_user",
    "words_of_accounts",
    "words_of_users",
    "words_of_customers",
)
TEXTS = (
    "0.99 USD", "0.99", "9.99", "123456789012", "{transaction:.18}", "lovelace ada",
    "ada customer77", "1234 5", "user77", "{account:.18}", "x",
)  # fmt: skip


def _ids() -> Iterator[UUID]:
    for index in range(MANY):
        yield uuid7(START + timedelta(seconds=index))


@pytest.fixture
def large(db: None) -> dict[str, Any]:
    """An account's and a transaction's id, among many."""
    users = User.objects.bulk_create(
        [User(username=f"user{index}", first_name=_first_name(index)) for index in range(MANY)]
    )
    customers = Customer.objects.bulk_create(
        [
            Customer(
                id=pk, number=number, name=f"{_first_name(index)} Customer{index}",
                created_at=START, updated_at=START,
            )
            for index, (pk, number) in enumerate(
                zip(_ids(), _different(lambda: new_number(10)), strict=True)
            )
        ],
        batch_size=1000,
    )  # fmt: skip
    accounts = Account.objects.bulk_create(
        [
            Account(
                id=pk, number=number, name=f"Savings{index}", kind="CUSTOMER", currency="USD",
                customer=customer, created_at=START, updated_at=START,
            )
            for index, (pk, number, customer) in enumerate(
                zip(_ids(), _different(new_account_number), customers, strict=True)
            )
        ],
        batch_size=1000,
    )  # fmt: skip
    make_account(name="Ada Lovelace")
    failed = Transaction.objects.bulk_create(
        [
            Transaction(
                id=pk, type="DEPOSIT", status=TransactionStatus.FAILED, currency="USD",
                debit_account_id=internal_account_id(CASH, "USD"), credit_account_id=account.pk,
                amount=Decimal(index % 125 + 1) / 100, failure_code="account_frozen",
                failure_detail="Frozen.", effective_at=START, created_at=START, updated_at=START,
            )
            for index, (pk, account) in enumerate(zip(_ids(), accounts, strict=True))
        ],
        batch_size=1000,
    )  # fmt: skip
    for words, rows in ((UserWord, users), (CustomerWord, customers), (AccountWord, accounts)):
        add_words(words, *rows)
    analyse(*BIG)
    return {"account": str(accounts[77].pk), "transaction": str(failed[77].pk)}


def _first_name(index: int) -> str:
    """One of a hundred is an Ada."""
    return "Ada" if index % 100 == 77 else f"Grace{index}"


def _different(make: Any) -> list[str]:
    found: set[str] = set()
    while len(found) < MANY:
        found.add(make())
    return sorted(found)


def test_each_search_reads_indexes_and_no_table_whole(
    large: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of a journal of a million the newest 10,000 are as small a part.
    monkeypatch.setattr(transaction_search, "NEWEST_READ", MANY // 100)
    supervisor = make_user("susan", role="supervisor")
    for template in TEXTS:
        text = template.format(**large)
        asked = [
            statement
            for statement in statements_of(lambda text=text: search(text, supervisor))
            # The index for the nearest word pays in a larger bank.
            if "similarity(" not in str(statement[0])
        ]
        assert asked
        for statement in asked:
            assert _read_whole(statement) == [], (text, statement)


def _read_whole(statement: Any) -> list[str]:
    """The big tables that the statement reads whole, also in the order of an index."""
    if connection.vendor == "postgresql":
        scans = [node for node in nodes(plan_of(statement)) if node.get("Relation Name") in BIG]
        return [
            node["Relation Name"]
            for node in scans
            if node["Node Type"] == "Seq Scan"
            or node.get("Rows Removed by Filter", 0) * node["Actual Loops"] > MANY // 2
        ]
    return [step for step in scans_of(statement) if not _ends_early(step)]


def _ends_early(step: str) -> bool:
    """A walk along an index in the wanted order, which ends with the page, or over a list."""
    return "USING" in step or "SUBQUERY" in step or "(subquery" in step or "CONSTANT ROW" in step
