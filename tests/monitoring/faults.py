"""Faults of a served bank, made for real, and the load beside them."""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.monitoring.prometheus import eventually
from tests.operated import Client
from tests.postgresql import PostgresqlServer

# The tables of what is done daily.
VERIFICATIONS, ARCHIVE_RUNS = "transactions_verification", "transactions_archiverun"
# The alert is about more than five.
LONG_WAITS = 9
CALLERS = 4
_WEBHOOK = "0190163d-8694-739b-88a0-8da2e5e7e5a0"
# The alert is about less than a fifth.
_LEFT_FREE = 10


class Load:
    """Movements of each kind, from one caller: some are refused, some repeated, some queued."""

    def __init__(self, client: Client) -> None:
        self._client = client
        body = {"name": "Ada Lovelace", "initial_balance": "20.00"}
        accounts = [client.post("accounts/", body) for _ in range(4)]
        assert {status for status, _ in accounts} == {201}, accounts
        self.first, self._second, self.damaged, self.held = (
            one["account_id"] for _, one in accounts
        )

    def round(self) -> None:
        key = secrets.token_hex(8)
        for _ in range(2):
            self._post("deposit", {"amount": "1.10"}, Idempotency_Key=key)
        self._post("withdraw", {"amount": "9000"})
        self._post("transfer", {"amount": "0.10", "target_account_id": self._second})
        self._post("deposit", {"amount": "0.30"}, Prefer="respond-async")
        self._post("withdraw", {"amount": "9000"}, Prefer="respond-async")

    def deposit(self, account_id: str = "") -> None:
        self._post("deposit", {"amount": "0.10"}, account_id or self.first)

    def _post(self, what: str, body: Any, account_id: str = "", **headers: str) -> None:
        self._client.post(f"accounts/{account_id or self.first}/{what}/", body, **headers)


def damage(server: PostgresqlServer, account_id: str) -> None:
    """Changes a balance past all guards, as only a superuser can."""
    _change(server, "UPDATE accounts_account SET balance = balance + 1 WHERE id = %s", account_id)


def _change(server: PostgresqlServer, statement: str, *values: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("SET session_replication_role = replica")
        changed = connection.execute(statement, values)
        assert changed.rowcount >= 1


def hold_locks(server: PostgresqlServer, load: Load) -> None:
    """Several deposits wait longer than a second for an account that somebody else has locked."""
    with ThreadPoolExecutor(1) as pool:
        for _ in range(LONG_WAITS):
            with psycopg.connect(server.url) as connection:
                held = "SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE"
                connection.execute(held, [load.held])
                waiting = pool.submit(load.deposit, load.held)
                eventually(lambda c=connection: _somebody_waits(c), "no deposit waits")
                time.sleep(1.2)
            waiting.result()


def _somebody_waits(connection: psycopg.Connection[Any]) -> bool:
    return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


def age(server: PostgresqlServer, runs: str) -> None:
    """All runs in this table ended four days earlier, as if none had succeeded since."""
    _change(
        server,
        f"UPDATE {runs} SET started_at = started_at - interval '4 days',"
        " finished_at = finished_at - interval '4 days'",
    )


def age_seals(server: PostgresqlServer) -> None:
    """What came after the last seal came four days ago, and the seals were made before it."""
    _change(
        server,
        "UPDATE transactions_transaction SET created_at = created_at - interval '4 days',"
        " effective_at = effective_at - interval '4 days',"
        " completed_at = completed_at - interval '4 days'"
        " WHERE completed_at > (SELECT max(sealed_at) FROM seals_seal)",
    )
    _change(server, "UPDATE seals_seal SET sealed_at = sealed_at - interval '5 days'")


def age_jobs(server: PostgresqlServer) -> None:
    """All runs of jobs were four days ago."""
    _change(
        server,
        "UPDATE jobs_jobrun SET date = date - 4, started_at = started_at - interval '4 days',"
        " ended_at = ended_at - interval '4 days'",
    )


def delay_delivery(server: PostgresqlServer) -> None:
    """A delivery has waited for two hours, and its webhook is not tried before tomorrow."""
    _change(
        server,
        "INSERT INTO webhooks_endpoint (id, url, description, types, secret, old_secret, user_id,"
        " caller, is_on, off_reason, places, next_at, created_at, updated_at)"
        " SELECT %s::uuid, 'https://shop.example/', '', '[]', '', '', min(id), '', true, '', '[]',"
        " now() + interval '1 day', now(), now() FROM auth_user",
        _WEBHOOK,
    )
    _change(
        server,
        "INSERT INTO webhooks_delivery (id, endpoint_id, event_id, type, body, status,"
        " attempt_count, attempts, created_at) VALUES (%s::uuid, %s::uuid, gen_random_uuid(), '',"
        " '{}', 'WAITING', 0, '[]', now() - interval '2 hours')",
        _WEBHOOK,
        _WEBHOOK,
    )


def end_delivery(server: PostgresqlServer) -> None:
    """The delivery arrives."""
    _change(
        server,
        "UPDATE webhooks_delivery SET status = 'DELIVERED', ended_at = now() WHERE id = %s",
        _WEBHOOK,
    )


@contextmanager
def fullness(folder: Path) -> Iterator[None]:
    """A file fills the disk of the folder nine tenths full until the end of the block."""
    room = os.statvfs(folder)
    filler = folder / "filler"
    size = room.f_bavail * room.f_frsize - room.f_blocks * room.f_frsize // _LEFT_FREE
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def crowd(load: Load) -> Iterator[None]:
    """Callers move money of one account at the same time until the end of the block.

    Where BANK_ISOLATION_LEVEL is serializable, PostgreSQL refuses some, and the bank tries again.
    """
    over = threading.Event()

    def move() -> None:
        while not over.is_set():
            load.deposit()

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(move) for _ in range(CALLERS)]
        try:
            yield
        finally:
            over.set()
    for caller in callers:
        caller.result()
