"""A trigger or a view as each database knows it, what tells that it is whole, and its release.

`core.database` says which of them there must be.
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
    """A trigger on `table`, or a view over it, in each database's own words.

    `sqlite` is one statement. `postgresql` is one statement too; a trigger names the function
    `<name>()`, whose PL/pgSQL body is `function_body`.

    `since` is the release of the schema that brought this text. `replaces` is the fingerprint on
    PostgreSQL of the text that release 1.0.0 knows under this name, which must go on to find it:
    see docs/adr/0017.
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
        """The fingerprint on PostgreSQL of this very text."""
        text = self.statement("postgresql") + self.function_body
        return hashlib.sha256(text.encode()).hexdigest()


class _Backend:
    """What both kinds of database have in common."""

    def expected(self, item: DatabaseObject) -> str:
        raise NotImplementedError

    def lacks(self, item: DatabaseObject, present: dict[str, str], release: int) -> bool:
        """A database of this release or an older one has not the text that this code brings."""
        return item.since > release or present.get(item.name) != self.expected(item)


class _SQLite(_Backend):
    """sqlite_master keeps the text of every object as it was given, so texts are compared."""

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
        """BEGIN IMMEDIATE has done it."""

    def drop(self, cursor: Any, item: DatabaseObject) -> None:
        cursor.execute(f'DROP {item.kind.upper()} IF EXISTS "{item.name}"')

    def create(self, cursor: Any, item: DatabaseObject) -> None:
        # Without parameters, so that a % in the text stays one.
        cursor.execute(item.statement("sqlite"))


class _PostgreSQL(_Backend):
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

    # Every role may read a comment, and a dump has it.
    _RELEASE_ON = "django_migrations"
    _RELEASE = "Release {} of the schema."

    def fingerprints(self, cursor: Any) -> dict[str, str]:
        """By name. Empty for one that is no longer what was created."""
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


def backend_of(connection: BaseDatabaseWrapper) -> _SQLite | _PostgreSQL:
    return _SQLite() if connection.vendor == "sqlite" else _PostgreSQL()
