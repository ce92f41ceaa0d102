"""Database objects that Django's migrations do not know: guards (triggers) and views.

An app lists its objects in `database_objects` of its AppConfig. They live outside migrations
because SQLite loses triggers whenever it rebuilds a table and refuses to rebuild one under a view.
So pre_migrate drops what stands in the way, only when there is something to migrate, and
post_migrate creates what is missing or different. A kill in between leaves nothing that `migrate`
does not heal: web and worker refuse to serve until it has run.

On PostgreSQL the guards stay while it migrates. A migration that changes the type of a column which
a guard names must drop that guard itself, beforehand; post_migrate puts it back.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# Serialises the creation of objects by two `migrate` at once. Any constant will do.
_ADVISORY_LOCK = 7_064_005

Kind = Literal["trigger", "view"]


@dataclass(frozen=True, slots=True)
class DatabaseObject:
    """A trigger on `table`, or a view over it, in each database's own words.

    `sqlite` is one statement. `postgresql` is one statement too; a trigger names the function
    `<name>()`, whose PL/pgSQL body is `function_body`.
    """

    name: str
    kind: Kind
    table: str
    sqlite: str = ""
    postgresql: str = ""
    function_body: str = ""

    def statement(self, vendor: str) -> str:
        return (self.sqlite if vendor == "sqlite" else self.postgresql).strip()


def all_objects(vendor: str) -> list[DatabaseObject]:
    """Every object of every app that exists on this kind of database, in the order of creation."""
    return [
        item
        for config in apps.get_app_configs()
        for item in getattr(config, "database_objects", ())
        if item.statement(vendor)
    ]


def missing_objects(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of objects that are missing, switched off, or not as the code says."""
    with connection.cursor() as cursor:
        backend = _backend(connection)
        present = backend.fingerprints(cursor)
        return [
            item.name
            for item in all_objects(connection.vendor)
            if present.get(item.name) != backend.expected(item)
        ]


def require_objects() -> None:
    """Raises ImproperlyConfigured if a guard or view is missing: nothing serves without them."""
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        if missing := missing_objects(connection):
            raise ImproperlyConfigured(
                f"The database lacks {', '.join(missing)}. Run `manage.py migrate` first."
            )
    finally:
        connection.close()


def create_objects(connection: BaseDatabaseWrapper) -> None:
    """Creates what is missing or different, where its table exists. Safe to run twice at once.

    A transaction for each table and view: whoever holds the lock on one waits for no other, so that
    no reader and no writer can be in a deadlock with it.
    """
    if not missing_objects(connection):
        return
    groups: dict[tuple[str, Kind], list[DatabaseObject]] = {}
    for item in all_objects(connection.vendor):
        groups.setdefault((item.table, item.kind), []).append(item)
    tables = set(connection.introspection.table_names())
    for (table, _), items in groups.items():
        if table in tables:
            _create_together(connection, items)


def _create_together(connection: BaseDatabaseWrapper, items: list[DatabaseObject]) -> None:
    backend = _backend(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        backend.serialise(cursor)
        present = backend.fingerprints(cursor)
        for item in items:
            if present.get(item.name) != backend.expected(item):
                backend.drop(cursor, item)
                backend.create(cursor, item)


def drop_objects(connection: BaseDatabaseWrapper, *, kinds: tuple[Kind, ...]) -> None:
    """Drops the objects of these kinds, last created first; all or none of them."""
    backend = _backend(connection)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        tables = set(connection.introspection.table_names(cursor))
        for item in reversed(all_objects(connection.vendor)):
            if item.kind in kinds and item.table in tables:
                backend.drop(cursor, item)


# The life of the objects through migrate ----------------------------------------------------------


def before_migrate(*, using: str, plan: list[Any], **_: Any) -> None:
    """pre_migrate: makes room for table rebuilds, only when there is something to migrate."""
    if not plan:
        return
    connection = connections[using]
    kinds: tuple[Kind, ...] = ("trigger", "view") if connection.vendor == "sqlite" else ("view",)
    drop_objects(connection, kinds=kinds)


def after_migrate(*, using: str, **_: Any) -> None:
    """post_migrate: puts back what is missing."""
    create_objects(connections[using])


_reported_as: type[Error | Warning] = Error


@contextmanager
def reported_as(message: type[Error | Warning]) -> Iterator[None]:
    """Missing objects are an error, but to `migrate`, which is about to heal them."""
    global _reported_as  # noqa: PLW0603 - restored below
    previous, _reported_as = _reported_as, message
    try:
        yield
    finally:
        _reported_as = previous


def check_objects(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django gives it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check (tag `database`): all guards and views are there and as the code says."""
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
    return messages


def _has_tables(connection: BaseDatabaseWrapper) -> bool:
    tables = set(connection.introspection.table_names())
    return any(item.table in tables for item in all_objects(connection.vendor))


def check_sqlite_settings(
    *,
    app_configs: Any = None,  # noqa: ARG001 - Django gives it by name
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    """System check: on SQLite the lock of an account is BEGIN IMMEDIATE, so it must be on."""
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


# How each database tells what it has --------------------------------------------------------------


class _SQLite:
    """sqlite_master keeps the text of every object as it was given, so texts are compared."""

    def fingerprints(self, cursor: Any) -> dict[str, str]:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
        return dict(cursor.fetchall())

    def expected(self, item: DatabaseObject) -> str:
        return item.statement("sqlite")

    def serialise(self, cursor: Any) -> None:
        """BEGIN IMMEDIATE has done it."""

    def drop(self, cursor: Any, item: DatabaseObject) -> None:
        cursor.execute(f'DROP {item.kind.upper()} IF EXISTS "{item.name}"')

    def create(self, cursor: Any, item: DatabaseObject) -> None:
        # Without parameters, so that a % in the text stays one.
        cursor.execute(item.statement("sqlite"))


class _PostgreSQL:
    """PostgreSQL rewrites definitions, so their digests are kept in a comment on each object.

    The comment has a digest of our text and one of the server's definition at that time. A trigger
    that is switched off, replaced, or whose function was changed no longer agrees with its comment.
    """

    _TRIGGERS = """
        SELECT t.tgname, obj_description(t.oid, 'pg_trigger'),
               md5(pg_get_triggerdef(t.oid) || p.prosrc || t.tgenabled::text)
        FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid
        JOIN pg_proc p ON p.oid = t.tgfoid
        WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"""
    _VIEWS = """
        SELECT c.relname, obj_description(c.oid, 'pg_class'), md5(pg_get_viewdef(c.oid))
        FROM pg_class c
        WHERE c.relkind = 'v' AND c.relnamespace = current_schema()::regnamespace"""

    def fingerprints(self, cursor: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for query in (self._TRIGGERS, self._VIEWS):
            cursor.execute(query)
            for name, comment, definition in cursor.fetchall():
                ours, _, theirs = (comment or "").partition(" ")
                if theirs == definition:
                    found[name] = ours
        return found

    def expected(self, item: DatabaseObject) -> str:
        text = item.statement("postgresql") + item.function_body
        return hashlib.sha256(text.encode()).hexdigest()

    def serialise(self, cursor: Any) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])

    def drop(self, cursor: Any, item: DatabaseObject) -> None:
        if item.kind == "view":
            cursor.execute(f'DROP VIEW IF EXISTS "{item.name}"')
        else:
            cursor.execute(f'DROP TRIGGER IF EXISTS "{item.name}" ON "{item.table}"')

    def create(self, cursor: Any, item: DatabaseObject) -> None:
        if item.kind == "trigger":
            cursor.execute(
                f'CREATE OR REPLACE FUNCTION "{item.name}"() RETURNS trigger LANGUAGE plpgsql '
                f"AS $body${item.function_body}$body$"
            )
        cursor.execute(item.statement("postgresql"))
        query = self._TRIGGERS if item.kind == "trigger" else self._VIEWS
        cursor.execute(query)
        definition = next(row[2] for row in cursor.fetchall() if row[0] == item.name)
        on = f'ON "{item.table}"' if item.kind == "trigger" else ""
        comment = f"{self.expected(item)} {definition}"
        cursor.execute(f"COMMENT ON {item.kind.upper()} \"{item.name}\" {on} IS '{comment}'")


def _backend(connection: BaseDatabaseWrapper) -> _SQLite | _PostgreSQL:
    return _SQLite() if connection.vendor == "sqlite" else _PostgreSQL()
