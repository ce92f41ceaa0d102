"""An account that everybody pays: many clients wait for it, and lists update it once."""

import threading
from decimal import Decimal
from functools import partial

import pytest
from django.db import connection

from accounts.models import Account
from core.commands import Origin
from tests.concurrency.crowd import at_once
from tests.concurrency.tally import SCALE
from tests.factories import ORIGIN, make_account
from tests.test_concurrency import assert_ledger_is_right, server_counter
from transactions.commands import MoneyCommand, Transfer
from transactions.ledger.processor import process, process_claimed
from transactions.queue import waiting as queue
from transactions.queue.acceptance import accept

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 12
TURNS = 20 * SCALE
LENGTH = 100


_ACCOUNTS = Account._meta.db_table


def rows_updated() -> int:
    """Updated rows of accounts since the server's start; on SQLite, rows changed by this
    connection.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return int(connection.connection.total_changes)
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = %s", [_ACCOUNTS])
        (count,) = cursor.fetchone()
    return int(count)


def payments(count: int) -> tuple[Account, Account, list[MoneyCommand]]:
    payer, merchant = make_account(balance=10_000), make_account()
    command = Transfer(account_id=payer.id, target_account_id=merchant.id, amount=Decimal(3))
    return payer, merchant, [command] * count


def test_a_list_writes_the_hot_account_once() -> None:
    _, merchant, commands = payments(LENGTH)
    before = rows_updated()
    assert {row.status for row in process(commands, ORIGIN)} == {"COMPLETED"}
    inserted = LENGTH if connection.vendor == "sqlite" else 0
    assert rows_updated() - before - inserted == 2
    merchant.refresh_from_db()
    assert (merchant.balance, merchant.last_sequence) == (3 * LENGTH, LENGTH)
    assert_ledger_is_right(10_000)


def test_the_queue_writes_the_hot_account_once() -> None:
    _, merchant, commands = payments(LENGTH)
    accept(commands, ORIGIN)
    claim = queue.claim("a", ORIGIN, batch_size=LENGTH)
    before = rows_updated()
    assert len(process_claimed(claim.lease, ORIGIN)) == LENGTH
    # On SQLite the outcomes and the events count as well.
    others = 2 * LENGTH if connection.vendor == "sqlite" else 0
    assert rows_updated() - before - others == 2
    merchant.refresh_from_db()
    assert (merchant.balance, merchant.last_sequence) == (3 * LENGTH, LENGTH)
    assert_ledger_is_right(10_000)


@pytest.mark.postgresql
def test_many_clients_wait_for_one_account_and_none_is_starved() -> None:
    """All clients pay it and are paid back at once, without deadlock or `busy`.

    The crowd continues until the last comer has had its turns, so a waiting client gets in while
    others go on.
    """
    payers = [make_account(balance=1000 + number) for number in range(CLIENTS)]
    merchant = make_account(balance=5000)
    deadlocks = server_counter("deadlocks")
    served = threading.Event()

    def trade(payer: Account) -> str:
        origin = Origin(caller=f"client:{payer.id}")
        pay = Transfer(account_id=payer.id, target_account_id=merchant.id, amount=Decimal(3))
        back = Transfer(account_id=merchant.id, target_account_id=payer.id, amount=Decimal(2))
        one, other = process([pay, back], origin)
        return f"{one.status} {other.status}"

    def crowd(payer: Account) -> list[str]:
        outcomes = []
        while not served.is_set():
            outcomes.append(trade(payer))
        return outcomes

    def last_comer(payer: Account) -> list[str]:
        try:
            return [trade(payer) for _ in range(TURNS)]
        finally:
            served.set()

    jobs = [partial(crowd, payer) for payer in payers[1:]]
    outcomes = at_once([partial(last_comer, payers[0]), *jobs])
    assert len(outcomes[0]) == TURNS
    traded = [outcome for each in outcomes for outcome in each]
    assert set(traded) == {"COMPLETED COMPLETED"}
    assert server_counter("deadlocks") == deadlocks
    merchant.refresh_from_db()
    assert merchant.balance == 5000 + len(traded)
    assert merchant.last_sequence == 1 + 2 * len(traded)
    assert_ledger_is_right(5000 + sum(1000 + number for number in range(CLIENTS)))
