"""Guards and views: missing and changed ones are noticed, and restored."""

from collections.abc import Iterator

import pytest
from django.core.checks import Error, Warning
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import database
from core.database import (
    after_migrate,
    all_objects,
    before_migrate,
    check_objects,
    check_sqlite_settings,
    create_objects,
    drop_objects,
    missing_objects,
    reported_as,
)

pytestmark = pytest.mark.django_db

NAMES = [item.name for item in all_objects(connection.vendor)]
VIEWS = [item.name for item in all_objects(connection.vendor) if item.kind == "view"]


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop(name: str) -> None:
    (item,) = [item for item in all_objects(connection.vendor) if item.name == name]
    on = f"ON {item.table}" if item.kind == "trigger" and connection.vendor != "sqlite" else ""
    execute(f"DROP {item.kind} {name} {on}")


def test_all_of_them_are_there() -> None:
    assert missing_objects(connection) == []
    assert check_objects(databases=["default"]) == []
    assert len(set(NAMES)) == len(NAMES)
    assert VIEWS == ["transactions_entry"]


@pytest.mark.parametrize("name", NAMES)
def test_each_is_missed_and_put_back(name: str) -> None:
    drop(name)
    assert missing_objects(connection) == [name]
    create_objects(connection)
    assert missing_objects(connection) == []


def test_existing_objects_are_left_alone() -> None:
    with CaptureQueriesContext(connection) as queries:
        create_objects(connection)
        after_migrate(using="default")
    assert [query["sql"] for query in queries if "SELECT" not in query["sql"]] == []


def test_all_are_dropped_and_all_come_back() -> None:
    drop_objects(connection, kinds=("trigger", "view"))
    assert missing_objects(connection) == NAMES
    drop_objects(connection, kinds=("trigger", "view"))
    create_objects(connection)
    assert missing_objects(connection) == []


def test_a_migration_with_nothing_to_do_drops_nothing() -> None:
    before_migrate(using="default", plan=[])
    assert missing_objects(connection) == []


def test_a_migration_drops_what_stands_in_its_way_on_sqlite_only() -> None:
    before_migrate(using="default", plan=[("a migration", False)])
    assert missing_objects(connection) == (NAMES if connection.vendor == "sqlite" else [])
    after_migrate(using="default")
    assert missing_objects(connection) == []


def test_a_guard_waits_for_its_table() -> None:
    drop_objects(connection, kinds=("trigger", "view"))
    # No guard of another table refers to the table of verifications.
    execute("ALTER TABLE transactions_verification RENAME TO away")
    create_objects(connection)
    assert missing_objects(connection) == [
        name for name in NAMES if name.startswith("transactions_verification_")
    ]
    execute("ALTER TABLE away RENAME TO transactions_verification")
    create_objects(connection)
    assert missing_objects(connection) == []


OTHER_TEXTS = {
    "accounts_account_no_delete": (
        "CREATE TRIGGER accounts_account_no_delete BEFORE DELETE ON accounts_account"
        " FOR EACH ROW WHEN 0 BEGIN SELECT RAISE(ABORT, 'accounts are never deleted'); END"
    ),
    "transactions_entry": "CREATE VIEW transactions_entry AS SELECT 1 AS id",
}


@pytest.mark.sqlite
@pytest.mark.parametrize("name", OTHER_TEXTS)
def test_sqlite_tells_a_changed_text(name: str) -> None:
    drop(name)
    execute(OTHER_TEXTS[name])
    assert missing_objects(connection) == [name]
    create_objects(connection)
    assert missing_objects(connection) == []


TAMPERED = {
    "disabled": "ALTER TABLE {table} DISABLE TRIGGER {name}",
    "for replicas only": "ALTER TABLE {table} ENABLE REPLICA TRIGGER {name}",
    "function replaced": """
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql
        AS $$BEGIN RETURN NULL; END$$""",
    "condition added": """
        CREATE OR REPLACE TRIGGER {name} BEFORE DELETE ON {table} FOR EACH ROW
        WHEN (false) EXECUTE FUNCTION {name}()""",
    "comment lost": "COMMENT ON TRIGGER {name} ON {table} IS NULL",
}


@pytest.mark.postgresql
@pytest.mark.parametrize("way", TAMPERED)
def test_postgresql_tells_a_guard_that_no_longer_guards(way: str) -> None:
    name, table = "accounts_account_no_delete", "accounts_account"
    execute(TAMPERED[way].format(name=name, table=table))
    assert missing_objects(connection) == [name]
    create_objects(connection)
    assert missing_objects(connection) == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = %s", [name])
        assert cursor.fetchall() == [("O",)]


@pytest.mark.postgresql
def test_postgresql_tells_a_view_that_shows_something_else() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_viewdef('transactions_entry'::regclass)")
        (definition,) = cursor.fetchone()
    execute(f"CREATE OR REPLACE VIEW transactions_entry AS {definition.rstrip(';')} LIMIT 1")
    assert missing_objects(connection) == ["transactions_entry"]
    create_objects(connection)
    assert missing_objects(connection) == []


# The output of `check`. --------------------------------------------------------------------------


def test_check_names_what_is_missing() -> None:
    drop(NAMES[0])
    drop(NAMES[-1])
    (message,) = check_objects(databases=["default"])
    assert type(message) is Error
    assert message.id == "bank.E001"
    assert message.msg == f"Database 'default' lacks guards or views: {NAMES[0]}, {NAMES[-1]}."
    assert "migrate" in message.hint


def test_check_asks_no_database_that_it_was_not_told_to() -> None:
    drop(NAMES[0])
    with CaptureQueriesContext(connection) as queries:
        assert check_objects() == []
    assert len(queries) == 0


def test_to_migrate_it_is_a_warning() -> None:
    drop(NAMES[0])
    with reported_as(Warning):
        (message,) = check_objects(databases=["default"])
    assert (type(message), message.id) == (Warning, "bank.W001")
    (message,) = check_objects(databases=["default"])
    assert type(message) is Error


def test_to_migrate_an_empty_database_is_no_news(monkeypatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_: [])
    drop(NAMES[0])
    with reported_as(Warning):
        assert check_objects(databases=["default"]) == []


@pytest.fixture
def pragmas() -> Iterator[None]:
    yield
    execute("PRAGMA recursive_triggers=ON")


@pytest.mark.sqlite
def test_sqlite_runs_with_what_the_guards_and_locks_rely_on(pragmas, monkeypatch) -> None:
    assert check_sqlite_settings(databases=["default"]) == []
    execute("PRAGMA recursive_triggers=OFF")
    (message,) = check_sqlite_settings(databases=["default"])
    assert (message.id, message.msg) == (
        "bank.E003",
        "SQLite must run with recursive_triggers=1.",
    )
    execute("PRAGMA recursive_triggers=ON")
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "transaction_mode", "DEFERRED")
    (message,) = check_sqlite_settings(databases=["default"])
    assert (message.id, message.msg) == ("bank.E002", "SQLite must use transaction_mode IMMEDIATE.")


@pytest.mark.postgresql
def test_postgresql_has_no_pragmas() -> None:
    assert check_sqlite_settings(databases=["default"]) == []


def test_the_checks_are_registered() -> None:
    from django.core.checks import Tags, registry

    database_checks = registry.registry.get_checks(include_deployment_checks=True)
    found = {check for check in database_checks if Tags.database in check.tags}
    assert {database.check_objects, database.check_sqlite_settings} <= found
