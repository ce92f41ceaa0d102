"""Rows written past the ledger, which only the database itself can stop."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import connection, models, transaction
from django.utils import timezone

from accounts.models import CASH, Account, internal_account_id
from tests.factories import make_account
from transactions.models import Transaction
from transactions.states import TransactionStatus, TransactionType


def queued_deposit(account: Account, **columns: Any) -> Transaction:
    """An unsaved queued deposit of 1.00, modified by `columns`."""
    now = timezone.now()
    values: dict[str, Any] = {
        "id": uuid4(),
        "type": TransactionType.DEPOSIT,
        "status": TransactionStatus.PENDING,
        "debit_account_id": internal_account_id(CASH, account.currency),
        "credit_account_id": account.id,
        "amount": 1,
        "currency": account.currency,
        "effective_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return Transaction(**values | columns)


def insert(row: models.Model) -> None:
    row.save(force_insert=True)


def update(row: models.Model, assignments: str) -> None:
    """UPDATE in plain SQL; `assignments` is its SET clause."""
    key = row._meta.pk.get_db_prep_value(row.pk, connection)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {assignments} WHERE id = %s", [key])
        assert cursor.rowcount == 1


def holding(balance: Decimal, account: Account | None = None) -> Account:
    """An account with this balance, in main units, which no transaction explains."""
    account = account or make_account()
    Account.objects.filter(pk=account.pk).update(
        balance=balance, last_sequence=1, last_posted_at=account.created_at
    )
    account.refresh_from_db()
    return account
