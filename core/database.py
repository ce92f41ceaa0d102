"""Database objects outside Django's migrations: guards (triggers) and views.

An app lists its objects in `database_objects` of its AppConfig. A function `database_need` there
says in a sentence what else the app lacks in the database; its text is empty if nothing. Objects
live outside migrations because SQLite loses triggers whenever it rebuilds a table and refuses to
rebuild one under a view.
So on SQLite pre_migrate drops them, only when there is something to migrate, and post_migrate
creates missing and changed ones. After a kill in between, web and worker refuse to serve until
`migrate` has run and repaired everything.

On PostgreSQL guards and views stay during a migration, because the previous release keeps serving.
A migration that changes the type of a column used by one of them must drop that object first;
post_migrate recreates it.

A changed text is a new release of the schema, so that the previous release can keep serving:
docs/adr/0017-newer-guards-serve-older-code.md.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from core.database_objects import DatabaseObject, ObjectKind, backend_of
from core.files import require_writable_folder
from core.rights import require_rights


def all_objects(vendor: str) -> list[DatabaseObject]:
    """Every object of every app that exists on this kind of database, in the order of creation."""
    return [
        item
        for config in apps.get_app_configs()
        for item in getattr(config, "database_objects", ())
        if item.statement(vendor)
    ]


def schema_release(vendor: str) -> int:
    """The schema release of this code: that of its newest text."""
    return max(item.since for item in all_objects(vendor))


def missing_objects(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of objects that are missing, disabled, or different from the code.

    A database of a newer release has that release's texts. There each name must exist and, on
    PostgreSQL, be unchanged since its creation (docs/adr/0017).
    """
    # Reads again: objects that a `migrate` changed during the first reading would seem to be
    # missing.
    return _missing_now(connection) and _missing_now(connection)


def _missing_now(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        # Reads the release last, because `migrate` writes it together with the changed texts.
        backend = backend_of(connection)
        present, stored = backend.fingerprints(cursor), backend.release(cursor)
    objects = all_objects(connection.vendor)
    if stored > schema_release(connection.vendor):
        return [item.name for item in objects if not present.get(item.name)]
    return [item.name for item in objects if backend.lacks(item, present, stored)]


def needs(connection: BaseDatabaseWrapper) -> list[str]:
    """What apps lack in the database, other than objects, in sentences; `migrate` adds it."""
    found = [getattr(config, "database_need", None) for config in apps.get_app_configs()]
    return [sentence for need in found if need is not None and (sentence := need(connection))]


def require_objects() -> None:
    """Raises ImproperlyConfigured if a guard, a view or a right on the tables is missing.

    Nothing serves without them. Raises FileProblem if SQLite cannot write beside its database.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        require_rights(connection)
        if connection.vendor == "sqlite" and not connection.is_in_memory_db():  # type: ignore[attr-defined]
            require_writable_folder(Path(str(connection.settings_dict["NAME"])).parent)
        if missing := missing_objects(connection):
            raise ImproperlyConfigured(
                f"The database lacks {', '.join(missing)}. Run `manage.py migrate` first."
            )
        for need in needs(connection):
            raise ImproperlyConfigured(f"{need} Run `manage.py migrate` first.")
    finally:
        connection.close()


def create_objects(connection: BaseDatabaseWrapper) -> None:
    """Creates missing and changed objects whose table exists. Safe to run twice at once.

    Each table and view has a database transaction of its own. It locks one table and waits for no
    other, so it cannot deadlock with a reader or writer. On a database of a newer release, existing
    objects stay untouched. When everything exists, one last database transaction changes the texts
    of the older release and records the new release. Code of the older release sees both or
    neither.
    """
    if not missing_objects(connection):
        return
    groups: dict[tuple[str, ObjectKind], list[DatabaseObject]] = {}
    for item in all_objects(connection.vendor):
        groups.setdefault((item.table, item.kind), []).append(item)
    tables = set(connection.introspection.table_names())
    for (table, _), items in groups.items():
        if table in tables:
            _create_together(connection, items)
    if tables.issuperset(table for table, _ in groups):
        _record_release(connection)


def _create_together(connection: BaseDatabaseWrapper, items: list[DatabaseObject]) -> None:
    backend = backend_of(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        backend.serialise(cursor)
        present, stored = backend.fingerprints(cursor), backend.release(cursor)
        if stored > schema_release(connection.vendor):
            due = [item for item in items if item.name not in present]
        else:
            due = [
                item
                for item in items
                if backend.lacks(item, present, stored) and not backend.waits(item, present, stored)
            ]
        for item in due:
            backend.drop(cursor, item)
            backend.create(cursor, item)


def _record_release(connection: BaseDatabaseWrapper) -> None:
    backend, ours = backend_of(connection), schema_release(connection.vendor)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        backend.serialise(cursor)
        present, stored = backend.fingerprints(cursor), backend.release(cursor)
        if stored < ours:
            for item in all_objects(connection.vendor):
                if backend.waits(item, present, stored):
                    backend.change(cursor, item)
            backend.record_release(cursor, ours)


def drop_objects(connection: BaseDatabaseWrapper, *, kinds: tuple[ObjectKind, ...]) -> None:
    """Drops the objects of these kinds, newest first, all or none of them."""
    backend = backend_of(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for item in reversed(all_objects(connection.vendor)):
            if item.kind in kinds and item.table in tables:
                backend.drop(cursor, item)


# The life of the objects through migrate ----------------------------------------------------------


def before_migrate(*, using: str, plan: list[Any], **_: Any) -> None:
    """pre_migrate: clears the way for table rebuilds on SQLite if there is something to migrate.

    Raises CommandError if the database is of a newer release, whose guards would be lost.
    """
    if not plan:
        return
    connection = connections[using]
    with connection.cursor() as cursor:
        stored, ours = backend_of(connection).release(cursor), schema_release(connection.vendor)
    if stored > ours:
        raise CommandError(
            f"The database has release {stored} of the schema, and this code has {ours}. It"
            " cannot migrate a newer database. To undo a migration, restore a backup."
        )
    if connection.vendor == "sqlite":
        drop_objects(connection, kinds=("trigger", "view"))


def after_migrate(*, using: str, **_: Any) -> None:
    """post_migrate: recreates missing objects."""
    create_objects(connections[using])


_reported_as: type[Error | Warning] = Error


@contextmanager
def reported_as(message: type[Error | Warning]) -> Iterator[None]:
    """Sets the level of missing objects, an error by default; `migrate`, which repairs, warns."""
    global _reported_as  # noqa: PLW0603 - restored below
    previous, _reported_as = _reported_as, message
    try:
        yield
    finally:
        _reported_as = previous


def check_objects(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django passes this by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check (tag `database`): all guards and views exist and match the code."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if _reported_as is Warning and not _has_tables(connection):
            continue  # The first `migrate` of an empty database lacks everything.
        if missing := missing_objects(connection):
            messages.append(
                _reported_as(
                    f"Database '{alias}' lacks guards or views: {', '.join(missing)}.",
                    hint="Run `manage.py migrate`; it puts them back.",
                    id="bank.E001" if _reported_as is Error else "bank.W001",
                )
            )
        # Only a warning: a backup is checked where it was just restored, before `migrate`.
        messages += [
            Warning(
                f"Database '{alias}': {need}",
                hint="Run `manage.py migrate`; it adds that.",
                id="bank.W006",
            )
            for need in needs(connection)
        ]
    return messages


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    tables = set(connection.introspection.table_names())
    return any(item.table in tables for item in all_objects(connection.vendor))


def check_sqlite_settings(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django passes this by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check: SQLite locks accounts by BEGIN IMMEDIATE, so the setting must be on."""
    messages: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "sqlite":
            continue
        options = connection.settings_dict.get("OPTIONS", {})
        if str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
            messages.append(
                Error("SQLite must use transaction_mode IMMEDIATE.", obj=alias, id="bank.E002")
            )
        with connection.cursor() as cursor:
            wanted = {"foreign_keys": 1, "recursive_triggers": 1, "synchronous": 2}
            for pragma, value in wanted.items():
                actual = cursor.execute(f"PRAGMA {pragma}").fetchone()[0]
                if actual < value:
                    messages.append(
                        Error(f"SQLite must run with {pragma}={value}.", obj=alias, id="bank.E003")
                    )
    return messages
