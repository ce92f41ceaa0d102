"""Guards of another schema release: how older and newer code treat one database."""

from dataclasses import replace
from typing import Any

import pytest
from django.apps import apps
from django.core.management.base import CommandError
from django.db import connection

from core.database import (
    after_migrate,
    all_objects,
    before_migrate,
    create_objects,
    drop_objects,
    missing_objects,
    schema_release,
)
from core.database_objects import DatabaseObject, backend_of
from core.guards import refuse, refuse_unless

pytestmark = pytest.mark.django_db

TABLE = "accounts_account"
CLOSED = "accounts_account_closed"
OURS = schema_release(connection.vendor)
LOOSE = "NEW.status = 'ACTIVE'"


def released() -> int:
    with connection.cursor() as cursor:
        return backend_of(connection).release(cursor)


def definitions() -> dict[str, str]:
    with connection.cursor() as cursor:
        return backend_of(connection).fingerprints(cursor)


def looser_than(old: DatabaseObject, replaces: str = "") -> DatabaseObject:
    """The same guard in a next release. On PostgreSQL only its trigger function is looser."""
    looser = refuse_unless(
        CLOSED,
        TABLE,
        [],
        "too loose",
        when="OLD.status = 'CLOSED' AND NEW.status <> 'CLOSED'",
        sqlite_unless=LOOSE,
        postgresql_unless=LOOSE,
        since=OURS + 1,
        replaces=replaces,
    )
    assert looser.postgresql == old.postgresql
    return looser


@pytest.fixture
def next_code(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The code of a next release: one guard is looser, and one is new."""
    config = apps.get_app_config("accounts")
    (old,) = (item for item in config.database_objects if item.name == CLOSED)
    looser = looser_than(old)
    further = refuse("accounts_account_further", TABLE, "DELETE", "never")
    objects = [*config.database_objects, further]
    objects[objects.index(old)] = looser
    monkeypatch.setattr(config, "database_objects", objects)
    return objects


@pytest.fixture
def newer_database(next_code: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """This code, on the database of the next release."""
    create_objects(connection)
    monkeypatch.undo()


def test_newer_code_refuses_an_older_database_and_migrate_brings_it_on(next_code) -> None:
    assert (released(), missing_objects(connection)) == (
        OURS,
        [CLOSED, "accounts_account_further"],
    )
    before = definitions()
    after_migrate(using="default")
    assert (released(), missing_objects(connection)) == (OURS + 1, [])
    after = definitions()
    assert {name for name in after if after[name] != before.get(name)} == {
        CLOSED,
        "accounts_account_further",
    }


@pytest.mark.usefixtures("newer_database")
def test_older_code_serves_a_newer_database_and_downgrades_nothing() -> None:
    assert released() == OURS + 1
    before = definitions()
    assert missing_objects(connection) == []
    after_migrate(using="default")
    assert (released(), definitions()) == (OURS + 1, before)


@pytest.mark.usefixtures("newer_database")
def test_older_code_misses_each_name_and_puts_it_back() -> None:
    before = definitions()
    with connection.cursor() as cursor:
        (item,) = (item for item in all_objects(connection.vendor) if item.name == CLOSED)
        backend_of(connection).drop(cursor, item)
    assert missing_objects(connection) == [CLOSED]
    create_objects(connection)
    assert missing_objects(connection) == []
    assert set(definitions()) == set(before)


@pytest.mark.postgresql
@pytest.mark.usefixtures("newer_database")
@pytest.mark.parametrize(
    "statement",
    [
        f"ALTER TABLE {TABLE} DISABLE TRIGGER {CLOSED}",
        (
            f"CREATE OR REPLACE FUNCTION {CLOSED}() RETURNS trigger LANGUAGE plpgsql"
            " AS $$BEGIN RETURN NEW; END$$"
        ),
    ],
)
def test_older_code_tells_a_guard_of_newer_code_that_no_longer_guards(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    assert missing_objects(connection) == [CLOSED]
    create_objects(connection)
    # The restored text is not that of the newer release.
    assert missing_objects(connection) == [CLOSED]


@pytest.mark.usefixtures("newer_database")
def test_older_code_migrates_nothing_on_a_newer_database() -> None:
    with pytest.raises(CommandError, match=f"has release {OURS + 1} of the schema"):
        before_migrate(using="default", plan=[("a migration", True)])
    assert missing_objects(connection) == []


def test_the_number_waits_until_all_is_there(next_code, monkeypatch: pytest.MonkeyPatch) -> None:
    names = connection.introspection.table_names()
    names.remove("transactions_verification")
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_: names)
    create_objects(connection)
    assert released() == OURS
    assert CLOSED in missing_objects(connection)


@pytest.mark.postgresql
def test_a_changed_text_can_bear_the_fingerprint_that_1_0_0_looks_for(monkeypatch) -> None:
    """1.0.0 compares the fingerprint, and so finds the guard that it knows, intact."""
    config = apps.get_app_config("accounts")
    (old,) = (item for item in config.database_objects if item.name == CLOSED)
    looser = looser_than(old, replaces=old.replaces or old.digest())
    monkeypatch.setattr(config, "database_objects", [looser])
    create_objects(connection)
    assert missing_objects(connection) == []
    assert definitions()[CLOSED] == (old.replaces or old.digest())
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [CLOSED])
        assert "'ACTIVE'" in cursor.fetchone()[0]


def test_a_database_without_a_number_is_of_the_first_release(monkeypatch) -> None:
    drop_objects(connection, kinds=("trigger",))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("COMMENT ON TABLE django_migrations IS 'of somebody else'")
        else:
            cursor.execute("PRAGMA user_version = 0")
    assert released() == 1
    objects = [replace(item, since=1) for item in all_objects(connection.vendor)]
    monkeypatch.setattr("core.database.all_objects", lambda _: objects)
    create_objects(connection)
    assert (released(), missing_objects(connection)) == (1, [])
