"""A page of an account's history costs the same, however long the history is.

In the bank of these tests one account has 100 transactions and another 20,000, in one journal with
unrelated transactions of others. The tests read the same pages of both. They measure work, not
time: the rows that PostgreSQL's executor touched, including discarded ones (EXPLAIN ANALYZE), and
the steps of SQLite's virtual machine.

The result for 20,000 also holds for 1,000,000. Each plan reads index ranges in the order of the
page, from the page's beginning, and stops after the page's rows. There is no sequential scan, and
no sort of more rows than a page has. So no count depends on the length of the history. Only the
depth of an index grows: by one level for some hundred times the rows. The balance at a moment
halves its steps, so it needs as many look-ups as the number of entries has binary digits: 7 at 100,
15 at 20,000, 20 at 1,000,000.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from rest_framework.utils.urls import remove_query_param

from accounts.models import Account
from core.api.pagination import USUAL_LIMIT
from core.commands import Command
from tests.api import API, ApiClient, account_path, client_without_login_queries, make_user, shown
from tests.factories import ORIGIN, make_account
from tests.plans import generic_plan_of, nodes, plan_of, statements_of
from transactions.commands import Transfer
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.models.queries import touching

pytestmark = pytest.mark.django_db

PAGE_SIZE = 5
FEW, MANY = 100, 20_000
MINUTES = 40
START = datetime(2026, 3, 1, tzinfo=UTC)
MIDDLE = START + timedelta(minutes=MINUTES // 2)
# A page reads one row more than it shows: from each side, and then the rows themselves. Every node
# that passes a row on counts it, and so do skipped rows, such as refused incoming payments of an
# owner. ANALYZE samples at random, so plans vary: 131 rows is the largest count seen. A bad plan
# reads thousands.
MOST_ROWS = 30 * (PAGE_SIZE + 1)
MOST_ROWS_OF_USUAL_PAGE = 30 * USUAL_LIMIT


class Bank:
    """`small` and `large` have FEW and MANY transactions, half in and half out, a tenth refused."""

    def __init__(self) -> None:
        self.owner = make_user("owner")
        with time_machine.travel(START - timedelta(days=1), tick=False):
            self.small, self.large = (
                make_account(name=name, owner_id=self.owner.id, balance=10**6)
                for name in ("small", "large")
            )
            self.others = [make_account(balance=10**6) for _ in range(10)]
        for minute in range(MINUTES):
            with time_machine.travel(START + timedelta(minutes=minute), tick=False):
                process(list(self._commands(minute)), ORIGIN)
        # Later only other accounts were used. A scan of newer rows would meet all of these.
        for minute in range(MINUTES):
            with time_machine.travel(START + timedelta(days=1, minutes=minute), tick=False):
                process([_move(*self.others[:2], index) for index in range(250)], ORIGIN)
        if connection.vendor == "postgresql":  # autovacuum would do it
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
        for account, count in ((self.small, FEW), (self.large, MANY)):
            assert Transaction.objects.filter(touching(account.id)).count() == count + 1

    def _commands(self, minute: int) -> Iterator[Command]:
        # Few in each minute, so that both histories span the same time.
        of_small = FEW * (minute + 1) // MINUTES - FEW * minute // MINUTES
        for index in range(MANY // MINUTES):
            other, another = (self.others[(index + shift) % 10] for shift in (0, 3))
            yield _move(self.large, other, index)
            if index < of_small:
                yield _move(self.small, other, minute + index)
            elif index % 4 == 0:
                yield _move(other, another, index)

    def pages(self, account: Account, client: ApiClient) -> Iterator[tuple[str, str]]:
        """Name and URL of each compared page. All of them are full."""
        history, entries = (
            f"{account_path(account, name)}?page_size={PAGE_SIZE}"
            for name in ("transactions", "entries")
        )
        begin = START + timedelta(minutes=MINUTES // 4)
        between = f"{history}&created_after={shown(begin)}&created_before={shown(MIDDLE)}"
        second = client.get(between).json()["next"]
        yield "first page", history
        yield "first page before a date", f"{history}&created_before={shown(MIDDLE)}"
        yield "first page between dates", between
        yield "second page between dates", second
        for name in ("created_after", "created_before"):
            second = remove_query_param(second, name)
        yield "page in the middle", second
        yield "page in the middle, backwards", client.get(second).json()["previous"]
        yield "first entries", entries
        yield "second entries", client.get(entries).json()["next"]


def _move(account: Account, other: Account, index: int) -> Command:
    source, target = (account, other) if index % 2 else (other, account)
    # Every tenth transfer exceeds the balance.
    amount = Decimal(10**9 if index % 10 == 9 else 1 + index % 7)
    return Transfer(account_id=source.id, target_account_id=target.id, amount=amount)


def rows_read(plan: dict[str, Any], most_sorted: int = MOST_ROWS) -> int:
    """All rows that the nodes of a plan handled. Fails for a plan that reads a whole table."""
    count = 0
    for node in nodes(plan):
        assert node.get("Relation Name") != "transactions_transaction" or (
            node["Node Type"] != "Seq Scan"
        ), plan
        removed = node.get("Rows Removed by Filter", 0) + node.get(
            "Rows Removed by Index Recheck", 0
        )
        count += round((node["Actual Rows"] + removed) * node["Actual Loops"])
        if "Sort" in node["Node Type"]:
            assert all(inner["Actual Rows"] <= most_sorted for inner in node["Plans"]), plan
    return count


def get_page(client: ApiClient, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 200
    assert len(response.json().get("results", range(PAGE_SIZE))) == PAGE_SIZE


def usual_pages(bank: Bank, account: Account, client: ApiClient) -> Iterator[str]:
    """URLs of the pages that clients ask for most. Their statements stay prepared."""
    for name in ("transactions", "entries"):
        yield (first := account_path(account, name))
        yield client.get(first).json()["next"]
    yield account_path(account)
    yield account_path(account, "balance")
    yield f"{API}accounts/"
    yield (every := f"{API}transactions/")
    yield client.get(every).json()["next"]
    newest = client.get(account_path(account, "transactions")).json()["results"][0]
    yield f"{API}transactions/{newest['transaction_id']}/"


def rows_by_generic_plans(client: ApiClient, url: str) -> int:
    """The rows that PostgreSQL reads by plans that it makes without the values."""
    statements = statements_of(lambda: client.get(url))
    assert statements
    return sum(
        rows_read(generic_plan_of(statement), MOST_ROWS_OF_USUAL_PAGE) for statement in statements
    )


def rows_of(client: ApiClient, url: str) -> int:
    """The rows that PostgreSQL reads for this page, by the plans of all its statements."""
    statements = statements_of(lambda: get_page(client, url))
    return sum(rows_read(plan_of(statement)) for statement in statements)


def steps_of(client: ApiClient, url: str) -> int:
    """The instructions that SQLite runs for this page, with the compilation of uncached SQL."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection.connection.set_progress_handler(count, 1)
    try:
        get_page(client, url)
    finally:
        connection.connection.set_progress_handler(None, 1)
    return steps


def clients(bank: Bank) -> list[tuple[str, ApiClient]]:
    auditor = make_user("auditor", role="auditor")
    return [(user.username, client_without_login_queries(user)) for user in (auditor, bank.owner)]


@pytest.mark.postgresql
def test_postgresql_reads_a_page_and_no_more() -> None:
    bank = Bank()
    for who, client in clients(bank):
        for (name, of_small), (_, of_large) in zip(
            bank.pages(bank.small, client), bank.pages(bank.large, client), strict=True
        ):
            small, large = rows_of(client, of_small), rows_of(client, of_large)
            assert PAGE_SIZE <= small <= MOST_ROWS, (who, name, small)
            assert large <= MOST_ROWS, (who, name, large)
        at = f"?at={shown(MIDDLE)}"
        for account, digits in ((bank.small, 7), (bank.large, 15)):
            rows = rows_of(client, account_path(account, "balance") + at)
            assert rows <= 8 * digits, (who, rows)
            for url in usual_pages(bank, account, client):
                rows = rows_by_generic_plans(client, url)
                assert 0 < rows <= MOST_ROWS_OF_USUAL_PAGE, (who, url, rows)


@pytest.mark.sqlite
def test_sqlite_takes_as_many_steps_for_a_page() -> None:
    bank = Bank()
    for who, client in clients(bank):
        for (name, of_small), (_, of_large) in zip(
            bank.pages(bank.small, client), bank.pages(bank.large, client), strict=True
        ):
            small, large = steps_of(client, of_small), steps_of(client, of_large)
            assert large <= small * 1.1, (who, name, small, large)
        at = f"?at={shown(MIDDLE)}"
        small, large = (
            steps_of(client, account_path(account, "balance") + at)
            for account in (bank.small, bank.large)
        )
        assert large <= small * 15 / 7, (who, small, large)
