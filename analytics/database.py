"""The bank's own database as an engine: read only, one statement, with a time-out."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import OperationalError, connection, transaction

from analytics.parameters import Value
from analytics.relations import POSTGRESQL, SQLITE, definition_on_tables, with_relations
from core import replica
from core.money import from_units, to_units
from transactions.statistics.spans import Calendar

_INSTRUCTIONS_BETWEEN_LOOKS = 10_000
_PARAMETER = re.compile(r":(\w+)")


class TookTooLong(Exception):
    """The engine has stopped a query at its time-out. The message is a sentence."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The query took longer than {seconds:g} seconds, and was stopped.")


class DatabaseEngine:
    """Runs queries on the database of the settings, on its replica if there is one.

    Nothing can be written meanwhile.
    """

    def rows(
        self, sql: str, values: Mapping[str, Value], months: Sequence[str], seconds: float
    ) -> list[tuple[Any, ...]]:
        """All rows. Raises TookTooLong and Django's database errors."""
        dialect = SQLITE if connection.vendor == "sqlite" else POSTGRESQL
        zone = Calendar().name
        statement = with_relations(
            _PARAMETER.sub(r"%(\1)s", sql),
            lambda name: definition_on_tables(name, dialect, zone),
            months,
            with_as=dialect.with_as,
        )
        bound = {name: self._bound(each) for name, each in values.items()}
        return replica.read(partial(_rows, statement, bound, seconds))

    def amount(self, value: Any) -> Decimal:
        """An amount of a row, in main units."""
        if connection.vendor == "sqlite":
            return from_units(value)
        return Decimal(value)

    def _bound(self, value: Value) -> Any:
        is_units = connection.vendor == "sqlite" and isinstance(value, Decimal)
        return to_units(value) if is_units else value  # type: ignore[arg-type]


def _rows(statement: str, bound: Mapping[str, Any], seconds: float) -> list[tuple[Any, ...]]:
    with read_only(seconds), connection.cursor() as cursor:
        cursor.execute(statement, bound)
        return list(cursor.fetchall())


@contextmanager
def read_only(seconds: float) -> Iterator[None]:
    """Refuses to write in the block, and ends a statement in it after that time (TookTooLong)."""
    with _sqlite(seconds) if connection.vendor == "sqlite" else _postgresql(seconds):
        yield


@contextmanager
def _postgresql(seconds: float) -> Iterator[None]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            # Whole tables are read once: compiling would cost more than it saves.
            cursor.execute("SET LOCAL jit = off")
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == "57014":  # query_canceled
            raise TookTooLong(seconds) from error
        raise


@contextmanager
def _sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    deadline = time.monotonic() + seconds
    raw = connection.connection
    raw.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS_BETWEEN_LOOKS)
    try:
        raw.execute("PRAGMA query_only = ON")
        yield
    except OperationalError as error:
        if time.monotonic() > deadline:
            raise TookTooLong(seconds) from error
        raise
    finally:
        raw.set_progress_handler(None, 0)
        raw.execute("PRAGMA query_only = OFF")
