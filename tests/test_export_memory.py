"""An export of a large bank takes no more memory than that of a small one, on SQLite too.

Measures the peak memory of the command's process (ru_maxrss), with the database's own memory.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.factories import make_account
from tests.scratch import ROOT, Bank, migrated_bank

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FEW, MANY = 2_000, 60_000
# The allocator's variation for the same work. The lines themselves would be 40 MiB.
MORE_MIB = 16

# Failed transactions with long texts: they need no balances, and have the longest lines.
_FAILED = """
    INSERT INTO transactions_transaction (
        id, type, status, debit_account_id, credit_account_id, amount, currency, description,
        effective_at, failure_code, failure_detail, retry_count, attempts, request_fingerprint,
        approval_required, worker, created_at, updated_at)
    SELECT {id}, 'DEPOSIT', 'FAILED', debit_account_id, credit_account_id, amount, currency,
           {text}, effective_at, 'balance_limit', '', 0, 0, '', {false}, '', created_at, updated_at
    FROM {numbers} CROSS JOIN (
        SELECT * FROM transactions_transaction WHERE status = 'COMPLETED' LIMIT 1) AS one"""
_OF = {
    "sqlite": {
        "id": "printf('%032x', s)",
        "text": "printf('%0500d', s)",
        "false": "0",
        "numbers": (
            "(WITH RECURSIVE n(s) AS (SELECT {first} UNION ALL SELECT s + 1 FROM n"
            " WHERE s < {last}) SELECT s FROM n) AS numbers"
        ),
    },
    "postgresql": {
        "id": "lpad(to_hex(s), 32, '0')::uuid",
        "text": "lpad(s::text, 500, '0')",
        "false": "false",
        "numbers": "generate_series({first}, {last}) AS s",
    },
}


def fill(bank: Bank, first: int, last: int) -> None:
    """Adds transactions with these numbers, past the bank's own code."""
    words = _OF[connection.vendor]
    numbers = words["numbers"].format(first=first, last=last)
    statement = _FAILED.format(**words | {"numbers": numbers})
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(bank.folder / "bank.sqlite3")) as file, file:
            file.execute(statement)
    else:
        with psycopg.connect(bank.environment["DATABASE_URL"]) as server:
            server.execute(statement.encode())


def peak_mib(bank: Bank, folder: Path, rows: int) -> float:
    """The peak memory of an export of `rows` transactions and the first one, in MiB."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "export_data", "--dir", str(folder)],
        cwd=ROOT,
        env=bank.environment,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    with (folder / "transactions.csv").open("rb") as file:
        assert sum(1 for _ in file) == rows + 2
    return usage.ru_maxrss / 1024


def test_memory_does_not_grow_with_the_bank(tmp_path: Path) -> None:
    make_account(balance=1)
    peaks = []
    with migrated_bank(tmp_path) as bank:
        for first, last in ((1, FEW), (FEW + 1, MANY)):
            fill(bank, first, last)
            peaks.append(peak_mib(bank, tmp_path / str(last), last))
    small, large = peaks
    assert large - small < MORE_MIB, f"{small:.0f} MiB for {FEW}, {large:.0f} MiB for {MANY}"
