"""SQLite has one writer at a time: the others wait instead of failing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.factories import make_account
from tests.scratch import finish, migrated_bank

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

DEPOSITS_BY_THREAD = 10
WORKER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from uuid import UUID
import django
django.setup()
from django.db import connections
from core.commands import Origin
from transactions.commands import Deposit
from transactions.ledger.processor import process

def work(account_id):
    command = Deposit(account_id=UUID(account_id), amount=Decimal(3))
    try:
        return [process([command], Origin())[0].status for _ in range(int(sys.argv[3]))]
    finally:
        connections.close_all()

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(2) as pool:
    for statuses in pool.map(work, sys.argv[1:3]):
        assert statuses == ["COMPLETED"] * int(sys.argv[3]), statuses
"""


def test_four_processes_of_two_threads_wait_instead_of_failing(tmp_path: Path) -> None:
    one, other = make_account(), make_account()
    with migrated_bank(tmp_path) as bank:
        arguments = ["-c", WORKER, str(one.id), str(other.id), str(DEPOSITS_BY_THREAD)]
        workers = [
            bank.start(*arguments, DJANGO_SETTINGS_MODULE="bankproject.settings") for _ in range(4)
        ]
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            code, output = finish(worker)
            assert code == 0, output
        bank_is_right(bank.folder / "bank.sqlite3", 4 * DEPOSITS_BY_THREAD)


def bank_is_right(path: Path, deposits: int) -> None:
    with closing(sqlite3.connect(path)) as database:
        accounts = database.execute(
            "SELECT balance, last_sequence FROM accounts_account WHERE kind = 'CUSTOMER'"
        ).fetchall()
        assert accounts == [(3 * deposits * 10_000, deposits)] * 2
        lines = database.execute(
            "SELECT sequence, balance_after FROM transactions_entry WHERE sequence IS NOT NULL"
            " ORDER BY sequence, balance_after"
        ).fetchall()
        assert lines == [
            (number, 30_000 * number) for number in range(1, deposits + 1) for _ in range(2)
        ]
