"""Triggers and views for each database, with their fingerprints and schema release.

`core.database` lists the required ones.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Literal

from django.db.backends.base.base import BaseDatabaseWrapper

# Serialises the creation of objects by two `migrate` at once. Any constant will do.
_ADVISORY_LOCK = 7_064_005

ObjectKind = Literal["trigger", "view"]


@dataclass(frozen=True, slots=True)
class DatabaseObject:
    """A trigger on `table`, or a view over it, in each database's own SQL.

    `sqlite` is one statement. `postgresql` is one statement too; a trigger names the function
    `<name>()`, whose PL/pgSQL body is `function_body`.

    `since` is the schema release that introduced this text. `replaces` is the PostgreSQL
    fingerprint of the text that release 1.0.0 has under this name, and must still find: see
    docs/adr/0017.
    """

    name: str
    kind: ObjectKind
    table: str
    sqlite: str = ""
    postgresql: str = ""
    function_body: str = ""
    since: int = 1
    replaces: str = ""

    def statement(self, vendor: str) -> str:
        return (self.sqlite if vendor == "sqlite" else self.postgresql).strip()

    def digest(self) -> str:
        """The PostgreSQL fingerprint of this text."""
        text = self.statement("postgresql") + self.function_body
        return hashlib.sha256(text.encode()).hexdigest()


class _Backend:
    """The common part of both databases."""

    def expected(self, item: DatabaseObject) -> str:
        raise NotImplementedError

    def lacks(self, item: DatabaseObject, present: dict[str, str], release: int) -> bool:
        """Whether a database of this release or an older one lacks this code's text."""
        return item.since > release or present.get(item.name) != self.expected(item)

    def waits(self, item: DatabaseObject, present: dict[str, str], release: int) -> bool:
        """Whether the intact text of an older release stays until the release is recorded."""
        return item.since > release and bool(present.get(item.name))


class _SQLite(_Backend):
    """sqlite_master keeps the original text of every object, so texts are compared."""

    def fingerprints(self, cursor: Any) -> dict[str, str]:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')")
        return dict(cursor.fetchall())

    def expected(self, item: DatabaseObject) -> str:
        return item.statement("sqlite")

    def release(self, cursor: Any) -> int:
        (number,) = cursor.execute("SELECT user_version FROM pragma_user_version").fetchone()
        return max(int(number), 1)

    def record_release(self, cursor: Any, number: int) -> None:
        cursor.execute(f"PRAGMA user_version = {number:d}")

    def serialise(self, cursor: Any) -> None:
        """Does nothing: BEGIN IMMEDIATE has locked the database."""

    def drop(self, cursor: Any, item: DatabaseObject) -> None:
        cursor.execute(f'DROP {item.kind.upper()} IF EXISTS "{item.name}"')

    def create(self, cursor: Any, item: DatabaseObject) -> None:
        # Passes no parameters, so that a % in the text is literal.
        cursor.execute(item.statement("sqlite"))

    def change(self, cursor: Any, item: DatabaseObject) -> None:
        self.drop(cursor, item)
        self.create(cursor, item)


class _PostgreSQL(_Backend):
    """PostgreSQL rewrites definitions, so their digests are kept in a comment on each object.

    The comment has a digest of our text and one of the server's definition at that time. A trigger
    that is disabled or replaced, or whose function has changed, no longer matches its comment.

    One query reads the newest definition of a trigger. It reads the comment, and the body of the
    function, as of the start of the query. So a definition that changes meanwhile looks like
    tampering.
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

    # Every role may read a comment, and dumps include it.
    _RELEASE_ON = "django_migrations"
    _RELEASE = "Release {} of the schema."

    def fingerprints(self, cursor: Any) -> dict[str, str]:
        """The fingerprints by name. Empty for an object that has changed since its creation."""
        found: dict[str, str] = {}
        for query in (self._TRIGGERS, self._VIEWS):
            cursor.execute(query)
            for name, comment, definition in cursor.fetchall():
                ours, _, theirs = (comment or "").partition(" ")
                found[name] = ours if theirs == definition else ""
        return found

    def expected(self, item: DatabaseObject) -> str:
        return item.replaces or item.digest()

    def release(self, cursor: Any) -> int:
        cursor.execute(f"SELECT obj_description(to_regclass('{self._RELEASE_ON}'), 'pg_class')")
        (comment,) = cursor.fetchone()
        found = re.fullmatch(self._RELEASE.format(r"(\d+)"), comment or "")
        return int(found[1]) if found else 1

    def record_release(self, cursor: Any, number: int) -> None:
        text = self._RELEASE.format(number)
        cursor.execute(f"COMMENT ON TABLE {self._RELEASE_ON} IS '{text}'")

    def serialise(self, cursor: Any) -> None:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])

    def drop(self, cursor: Any, item: DatabaseObject) -> None:
        if item.kind == "view":
            cursor.execute(f'DROP VIEW IF EXISTS "{item.name}"')
        else:
            cursor.execute(f'DROP TRIGGER IF EXISTS "{item.name}" ON "{item.table}"')

    def create(self, cursor: Any, item: DatabaseObject) -> None:
        self._create_function(cursor, item)
        cursor.execute(item.statement("postgresql"))
        self._describe(cursor, item)

    def change(self, cursor: Any, item: DatabaseObject) -> None:
        """Puts the new text in place of an older release's. Nobody waits for a trigger's change.

        A trigger's text may differ only in the body of its function (tests/upgrade/test_rule.py).
        """
        if item.kind == "view":
            self.drop(cursor, item)
            self.create(cursor, item)
        else:
            self._create_function(cursor, item)
            self._describe(cursor, item)

    def _create_function(self, cursor: Any, item: DatabaseObject) -> None:
        if item.kind == "trigger":
            cursor.execute(
                f'CREATE OR REPLACE FUNCTION "{item.name}"() RETURNS trigger LANGUAGE plpgsql '
                f"AS $body${item.function_body}$body$"
            )

    def _describe(self, cursor: Any, item: DatabaseObject) -> None:
        query = self._TRIGGERS if item.kind == "trigger" else self._VIEWS
        named = "t.tgname" if item.kind == "trigger" else "c.relname"
        cursor.execute(f"{query} AND {named} = %s", [item.name])
        definition = cursor.fetchone()[2]
        on = f'ON "{item.table}"' if item.kind == "trigger" else ""
        comment = f"{self.expected(item)} {definition}"
        cursor.execute(f"COMMENT ON {item.kind.upper()} \"{item.name}\" {on} IS '{comment}'")


def backend_of(connection: BaseDatabaseWrapper) -> _SQLite | _PostgreSQL:
    return _SQLite() if connection.vendor == "sqlite" else _PostgreSQL()
