"""For controls: removes one lock, index or guard that keeps the bank right."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.management import call_command
from django.db import connection

from accounts.locks import LockedAccount, lock_accounts
from accounts.models import Account
from core.database import all_objects

SEQUENCE_INDEXES = ("transaction_debit_sequence_unique", "transaction_credit_sequence_unique")
KEY_GUARDS = (
    "transactions_transaction_key_is_free",
    "accounts_account_key_is_free",
    "transactions_batch_key_is_free",
)

Lock = Callable[[Iterable[UUID]], dict[UUID, LockedAccount]]


def read_without_lock(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """Reads what `lock_accounts` reads, without a lock."""
    accounts = Account.objects.filter(pk__in=set(account_ids))
    return {account.id: LockedAccount.of(account) for account in accounts}


def lock_as_if_keys_changed(account_ids: Iterable[UUID]) -> dict[UUID, LockedAccount]:
    """FOR UPDATE instead of FOR NO KEY UPDATE, which blocks every insert that refers to the
    account.
    """
    wanted = set(account_ids)
    list(Account.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
    return lock_accounts(wanted)


def drop_sequence_indexes() -> None:
    for name in SEQUENCE_INDEXES:
        execute(f"DROP INDEX {name}")


def drop_balance_guard() -> None:
    drop_trigger("accounts_account_balance")


def drop_key_guards() -> None:
    for name in KEY_GUARDS:
        drop_trigger(name)


def drop_key_index() -> None:
    execute("DROP INDEX transaction_idempotency_key_unique")


def drop_trigger(name: str) -> None:
    (guard,) = [item for item in all_objects(connection.vendor) if item.name == name]
    table = f' ON "{guard.table}"' if connection.vendor == "postgresql" else ""
    execute(f'DROP TRIGGER "{name}"{table}')


def execute(statement: str, params: Any = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@contextmanager
def indexes_put_back() -> Iterator[None]:
    """Restores the indexes that the block drops, and deletes the data that broke them.

    `flush` restores guards, but knows nothing of indexes.
    """
    before = _indexes()
    try:
        yield
    finally:
        if missing := before.keys() - _indexes().keys():
            call_command("flush", verbosity=0, interactive=False)
            for name in missing:
                execute(before[name])


def _indexes() -> dict[str, str]:
    statement = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        if connection.vendor == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return dict(cursor.fetchall())
