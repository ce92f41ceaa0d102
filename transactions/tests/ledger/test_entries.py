"""The view over the journal: its rows, and that PostgreSQL need not sort them."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, models

from accounts.models import CASH, Account, internal_account_id
from tests.factories import make_account, run
from tests.plans import nodes, plan_of, statements_of
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Entry
from transactions.reads.rows import EntryRow
from transactions.reads.selectors import page_of_entries
from transactions.tests.past_the_ledger import insert, queued_deposit

pytestmark = pytest.mark.django_db


def test_each_posted_transaction_has_a_debit_and_a_credit() -> None:
    source, target = make_account(), make_account()
    cash = internal_account_id(CASH, "USD")
    deposit = run(Deposit(account_id=source.id, amount=Decimal("20.50")))
    transfer = run(
        Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal("7.25"))
    )
    withdrawal = run(Withdraw(account_id=target.id, amount=Decimal("1.10")))
    expected = [
        # transaction, side, account, sequence, amount, balance after
        (deposit, "CREDIT", source.id, 1, Decimal("20.50"), Decimal("20.50")),
        (deposit, "DEBIT", cash, None, Decimal("-20.50"), None),
        (transfer, "CREDIT", target.id, 1, Decimal("7.25"), Decimal("7.25")),
        (transfer, "DEBIT", source.id, 2, Decimal("-7.25"), Decimal("13.25")),
        (withdrawal, "CREDIT", cash, None, Decimal("1.10"), None),
        (withdrawal, "DEBIT", target.id, 2, Decimal("-1.10"), Decimal("6.15")),
    ]
    entries = Entry.objects.order_by("transaction_id", "side")
    assert list(entries.values()) == [
        {
            "id": f"{row.id.hex}-{side[0]}",
            "transaction_id": row.id,
            "account_id": account_id,
            "side": side,
            "sequence": sequence,
            "amount": amount,
            "balance_after": balance_after,
            "currency": "USD",
            "posted_at": row.completed_at,
        }
        for row, side, account_id, sequence, amount, balance_after in expected
    ]


def test_what_was_not_posted_has_no_entries() -> None:
    account = make_account()
    run(Withdraw(account_id=account.id, amount=Decimal(5)))
    insert(queued_deposit(account))
    assert Entry.objects.count() == 0


def test_an_entry_knows_its_account_and_transaction() -> None:
    account = make_account(balance=7)
    (entry,) = account.entries.select_related("transaction")
    assert entry.account == account
    assert list(entry.transaction.entries.order_by("side").values_list("amount")) == [(7,), (-7,)]


@pytest.mark.postgresql
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("after", [None, 900])
def test_a_page_merges_both_indexes_and_sorts_nothing(after: int | None, backwards: bool) -> None:
    account = long_lived_account()
    page: list[EntryRow] = []
    (statement,) = statements_of(
        lambda: page.extend(page_of_entries(account, after=after, backwards=backwards, limit=5))
    )
    first = {(None, False): 2000, (None, True): 1, (900, False): 899, (900, True): 901}
    step = 1 if backwards else -1
    start = first[after, backwards]
    assert [entry.sequence for entry in page] == list(range(start, start + 5 * step, step))

    found = list(nodes(plan_of(statement)))
    assert [node["Node Type"] for node in found if "Sort" in node["Node Type"]] == []
    assert "Merge Append" in [node["Node Type"] for node in found]
    scans = [node for node in found if "Scan" in node["Node Type"] and "Index Name" in node]
    # For each line of the page, its value date.
    dates = [node for node in scans if node["Index Name"] == "transactions_transaction_pkey"]
    assert [(node["Actual Loops"], node["Actual Rows"]) for node in dates] == [(5, 1)]
    scans = [node for node in scans if node not in dates]
    assert {node["Index Name"] for node in scans} == {
        "transaction_debit_sequence_unique",
        "transaction_credit_sequence_unique",
    }
    # The scan stops once the page is full: at most one row ahead on either side.
    assert sum(node["Actual Rows"] for node in scans) <= 5 + len(scans)


def long_lived_account() -> Account:
    """1,000 deposits and 1,000 withdrawals alternately, among as many of another account."""
    accounts = [make_account(), make_account()]
    for account in accounts:
        with connection.cursor() as cursor:
            cursor.execute(_HISTORY, {"account": account.id, "cash": _cash()})
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")
    accounts[0].last_sequence = 2_000  # as the ledger would have left it
    return accounts[0]


def _cash() -> Any:
    return internal_account_id(CASH, "USD")


_HISTORY = """
    INSERT INTO transactions_transaction (
        id, type, status, debit_account_id, credit_account_id, amount, currency, description,
        debit_sequence, debit_balance_after, credit_sequence, credit_balance_after, effective_at,
        failure_code, failure_detail, retry_count, attempts, request_fingerprint, approval_required,
        worker, created_at, updated_at, completed_at)
    SELECT gen_random_uuid(), CASE WHEN paid_in THEN 'DEPOSIT' ELSE 'WITHDRAW' END, 'COMPLETED',
        CASE WHEN paid_in THEN %(cash)s ELSE %(account)s END,
        CASE WHEN paid_in THEN %(account)s ELSE %(cash)s END,
        50000, 'USD', '',
        CASE WHEN NOT paid_in THEN number END, CASE WHEN NOT paid_in THEN 0 END,
        CASE WHEN paid_in THEN number END, CASE WHEN paid_in THEN 50000 END,
        now(), '', '', 0, 0, '', false, '', now(), now(), now()
    FROM (SELECT number, number %% 2 = 1 AS paid_in FROM generate_series(1, 2000) AS number) AS rows
"""


def test_the_model_has_the_columns_of_the_view() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM transactions_entry")
        names = {column[0] for column in cursor.description}
    fields: list[models.Field[Any, Any]] = list(Entry._meta.fields)
    assert names == {field.column for field in fields}
