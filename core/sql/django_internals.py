"""All private API of Django 5.2 and psycopg 3.3 that the bank uses. Read it before an upgrade.

core/tests/test_django_internals.py fails when such an API changes, and tests/test_structure.py
keeps private API out of the rest of the code. Without this module the bank would work too, but
slower:

- `server_cursor`: `connection.cursor()` binds parameters in the client and prepares nothing. A
  single command then takes about twice as long, and a journal row 13.6 us to read, not 1.7.
- `kept_cursor`: a cursor that is used once looks up how to write and read each type, a tenth of the
  processor time of a short read.
- `is_unproven`, `skip_health_check`: without them Django checks the connection by a statement of
  its own, a round trip for each request.
- `as_stored`: `Model.from_db` takes values by position, and defers missing columns.
- `stored`: `Model.from_db` goes through all fields and two signals, which takes 20 us for a user.

docs/performance.md says how these times were measured.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.base import ModelState
from psycopg.pq import Format

Row = TypeVar("Row", bound=Model)

# The reads of the API need twenty, and a command five. A cursor keeps its last rows.
_MOST_KEPT = 50


def server_cursor(*, prepares: bool) -> CursorWrapper:
    """A cursor of PostgreSQL that binds on the server and reads in binary, with Django's wrapper.

    The wrapper turns the driver's errors into Django's, and logs statements if enabled.
    """
    here = this_connection()
    here.close_if_health_check_failed()
    here.ensure_connection()
    cursor = (_ServerCursor if prepares else _UnpreparedCursor)(here.connection)
    cursor.format = Format.BINARY
    wrapped: CursorWrapper = here._prepare_cursor(cursor)
    return wrapped


def kept_cursor(statement: str, parameters: Sequence[Any]) -> CursorWrapper:
    """A cursor of PostgreSQL that has executed the prepared statement, and is kept for it.

    A used cursor knows how to write these parameters and to read these rows; a new one looks it up.
    Read its rows at once: the next call with this statement takes the same cursor. For few
    parameters and rows, since it keeps the last ones. Raises Django's database errors.
    """
    here = this_connection()
    here.close_if_health_check_failed()
    here.ensure_connection()
    kept: dict[str, _ServerCursor] = vars(here.connection).setdefault("_kept_by_bank", {})
    if (cursor := kept.get(statement)) is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        cursor = kept[statement] = _ServerCursor(here.connection)
        cursor.format = Format.BINARY
    # A wrapper of its own, since Django may log statements now and not before.
    wrapped: CursorWrapper = here._prepare_cursor(cursor)
    wrapped.execute(statement, parameters)
    return wrapped


def this_connection() -> Any:
    """This thread's connection. Each access to Django's `connection` would look for it again."""
    return connections[DEFAULT_DB_ALIAS]


def is_unproven() -> bool:
    """Whether Django would first check this connection, kept from an earlier request."""
    kept = this_connection()
    return (
        kept.connection is not None
        and kept.health_check_enabled
        and not kept.health_check_done
        and not kept.in_atomic_block
    )


def skip_health_check() -> None:
    """Skips Django's check for the rest of the request: its next statement is the check."""
    kept = this_connection()
    kept.health_check_done = True


def as_stored(instance: Row) -> Row:
    """Marks the instance as stored in the database, so that `save` makes an UPDATE."""
    instance._state.adding = False
    instance._state.db = DEFAULT_DB_ALIAS
    return instance


def stored(model: type[Row], values: Mapping[str, Any]) -> Row:
    """The stored instance with these attributes. All other columns are deferred: read on access."""
    instance = model.__new__(model)
    instance._state = ModelState()
    instance.__dict__.update(values)
    return as_stored(instance)


class _ServerCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Keeps the statement where Django's query log looks for it, prepared or not."""

    def _convert_query(self, *arguments: Any) -> Any:
        self._query = super()._convert_query(*arguments)
        return self._query


class _UnpreparedCursor(_ServerCursor):
    def execute(self, *arguments: Any, **options: Any) -> Self:
        return super().execute(*arguments, **{**options, "prepare": False})
