"""Common assertions: nothing changed in the bank, and the database refused a change."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection, models, transaction

from accounts.models import Account, AccountEvent, LimitRequest
from core.database import create_objects
from core.database_objects import DatabaseObject
from transactions.models import (
    Hold,
    HoldCapture,
    HoldEvent,
    HoldItem,
    Note,
    Transaction,
    TransactionEvent,
)

# The statement that inserts journal rows, one or thousands.
BULK_INSERT = "COPY" if connection.vendor == "postgresql" else "INSERT"
# What writes a few rows and their accounts. On PostgreSQL it is one statement.
SHORT_WRITE = ["WITH"] if connection.vendor == "postgresql" else [BULK_INSERT, "UPDATE"]

_KEPT = (
    Account,
    AccountEvent,
    LimitRequest,
    Transaction,
    TransactionEvent,
    Note,
    Hold,
    HoldCapture,
    HoldEvent,
    HoldItem,
)


def stored(model: type[models.Model]) -> list[dict[str, Any]]:
    """Every column of every row, in primary-key order."""
    return list(model._default_manager.order_by("pk").values())


def everything() -> list[list[dict[str, Any]]]:
    """The whole bank, to compare before and after."""
    return [stored(model) for model in _KEPT]


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


@contextmanager
def refused_by_database(message: str) -> Iterator[None]:
    """Asserts that the block raises an IntegrityError with `message` and changes nothing."""
    with nothing_changes(), pytest.raises(IntegrityError, match=message), transaction.atomic():
        yield


def require_control(guard: DatabaseObject, forbidden: Callable[[], object]) -> None:
    """The guard refuses it, and without the guard it goes through: nothing else refuses it.

    Skips a guard that the database of this run does not have. Puts the guard back, unless the test
    is in a database transaction, which is rolled back.
    """

    def forbidden_to_the_end() -> None:
        """Some guards check at the end of a transaction."""
        forbidden()
        connection.check_constraints()

    if not guard.statement(connection.vendor):
        pytest.skip(f"{connection.vendor} has no {guard.name}")
    with pytest.raises(IntegrityError), transaction.atomic():
        forbidden_to_the_end()
    on_table = f" ON {guard.table}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {guard.name}{on_table}")
    try:
        forbidden()
    finally:
        if not connection.in_atomic_block:
            create_objects(connection)
