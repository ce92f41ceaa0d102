"""Reads of the queue, the archive and internal balances stay small beside a large archive.

The plans are PostgreSQL's, with 200,000 archived transactions and a few that are not archived.
"""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import CASH, Account, internal_account_id
from core import clock
from core.database import create_objects, drop_objects
from core.errors import Busy
from core.identifiers import uuid7
from tests.factories import ORIGIN, deposit, make_account
from tests.plans import nodes, plan_of, statements_of
from transactions.archive.checkpoints import internal_balance
from transactions.archive.selection import Position, Selection
from transactions.commands import Deposit
from transactions.models import ArchiveRun, ArchiveSegment
from transactions.queue import waiting as queue
from transactions.queue.acceptance import accept
from transactions.reads.selectors import balance_report

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql, pytest.mark.slow]

ARCHIVED, ACTIVE = 200_000, 50
_SMALL = (
    "transaction_queue",
    "transaction_leases",
    "transaction_unarchived",
    "transaction_failed_unarchived",
)
START = datetime(2025, 1, 1, tzinfo=UTC)

# Deposits of 1.00 to one account, one a second, as the ledger and the archive would leave them.
_HISTORY = """
    INSERT INTO transactions_transaction (
        id, type, status, debit_account_id, credit_account_id, amount, currency, description,
        credit_sequence, credit_balance_after, effective_at, failure_code, failure_detail,
        retry_count, attempts, request_fingerprint, approval_required, worker, created_at,
        updated_at, completed_at, archived_at, archive_run_id)
    SELECT gen_random_uuid(), 'DEPOSIT', 'COMPLETED', %(cash)s, %(account)s, 10000, 'USD', '',
           s, s * 10000, at, '', '', 0, 0, '', false, '', at, at, at, %(archived_at)s, %(run)s
    FROM (SELECT s, %(start)s + s * interval '1 second' AS at
          FROM generate_series(1, %(count)s) AS s) AS posted"""


@pytest.fixture
def account(db: None) -> Account:
    """An account with a long archived history, and a short history that is not archived."""
    account, now = make_account(), timezone.now()
    make_account(balance=1)  # This creates the cash account.
    cash = internal_account_id(CASH, "USD")
    run = ArchiveRun.objects.create(id=uuid7(now), started_at=now, finished_at=now, rows=ARCHIVED)
    ArchiveSegment.objects.create(
        number=1, run=run, rows=ARCHIVED, file_start=398, file_end=399, recorded_at=now,
        checkpoint={str(cash): f"-{ARCHIVED}.0000"},
    )  # fmt: skip
    drop_objects(connection, kinds=("trigger",))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(
            _HISTORY,
            {
                "cash": cash,
                "account": account.id,
                "archived_at": now,
                "run": run.pk,
                "start": START,
                "count": ARCHIVED,
            },
        )
        cursor.execute(
            "UPDATE accounts_account SET last_sequence = %s, balance = %s, last_posted_at = %s"
            " WHERE id = %s",
            [ARCHIVED, ARCHIVED * 10_000, START + timedelta(seconds=ARCHIVED), account.id],
        )
    create_objects(connection)
    for _ in range(ACTIVE):
        deposit(account, 1)
    accept([Deposit(account_id=account.id, amount=Decimal(1))], ORIGIN)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return account


def balance_when_settled(account: Account) -> Decimal:
    """The balance. Retries while older transactions write, even in other databases."""
    for _ in range(20):
        with suppress(Busy):
            balance: Decimal = balance_report(account, None)["balance"]
            return balance
    raise AssertionError("Something writes without end.")


def read(job: Any) -> list[tuple[str, int]]:
    """The index by which each statement of the job reads the journal, with its number of rows."""
    found = []
    for statement in statements_of(job):
        if not re.match(r"\s*SELECT.*transactions_transaction", statement[0], re.DOTALL):
            continue
        plan = plan_of(statement)
        for node in nodes(plan):
            if "Scan" in node["Node Type"] and node.get("Index Name"):
                rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
                if node["Index Name"].startswith("transaction"):
                    found.append((node["Index Name"], round(rows * node["Actual Loops"])))
            else:
                assert node.get("Relation Name") != "transactions_transaction" or (
                    node["Node Type"] == "Bitmap Heap Scan"
                ), plan
    return found


def test_archived_rows_slow_nobody_down(account: Account) -> None:
    """One test for everything, because its bank takes seconds to create."""
    _require_small_indexes()
    _require_small_selections(account)
    for name, rows in read(lambda: queue.claim("worker", ORIGIN, batch_size=10)):
        assert rows <= 10, name
    cash = Account.objects.get(pk=internal_account_id(CASH, "USD"))
    assert balance_when_settled(cash) == -Decimal(ARCHIVED + ACTIVE + 1)
    until = clock.now()
    assert read(lambda: internal_balance(cash.id, until)) == [
        ("transaction_unarchived", ACTIVE + 1)
    ]


def _require_small_indexes() -> None:
    """Entries for 200,000 rows would take megabytes."""
    with connection.cursor() as cursor:
        for name in _SMALL:
            cursor.execute(f"REINDEX INDEX {name}")  # VACUUM would remove dead entries in time.
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [name])
            assert cursor.fetchone()[0] <= 2 * 8192, name
        cursor.execute("SELECT pg_relation_size('transactions_transaction_pkey'::regclass)")
        assert cursor.fetchone()[0] > 4_000_000


def _require_small_selections(account: Account) -> None:
    everything, begin = Selection(before=timezone.now(), include_failed=True), Position()
    _, middle = everything.next_ids(begin, 20)
    for selection, after in (
        (everything, begin),
        (everything, middle),
        (Selection(keep_last=10), begin),
        (Selection(account_id=account.id), begin),
    ):
        (name, rows), *_ = read(partial(selection.next_ids, after, 100))
        assert (name, rows <= ACTIVE + 1) == ("transaction_unarchived", True), rows
    failed = read(partial(everything.next_ids, Position(failed=True), 100))
    assert failed == [("transaction_failed_unarchived", 0)]
