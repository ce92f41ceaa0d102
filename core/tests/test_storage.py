"""Storage parameters of tables: what migrations have set, and that they can be taken back."""

from types import SimpleNamespace

import pytest
from django.db import connection

from core.sql.storage import storage_parameters

pytestmark = pytest.mark.django_db

OFTEN = [
    "autovacuum_analyze_scale_factor=0.02",
    "autovacuum_freeze_min_age=0",
    "autovacuum_vacuum_insert_scale_factor=0.02",
    "autovacuum_vacuum_scale_factor=0.02",
]


def parameters_of(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE oid = %s::regclass", [table])
        (found,) = cursor.fetchone()
    return sorted(found or [])


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("accounts_account", ["fillfactor=50"]),
        ("transactions_transaction", OFTEN),
        ("transactions_transactionevent", OFTEN),
        ("transactions_batch", []),
    ],
)
def test_migrations_have_set_them(table: str, expected: list[str]) -> None:
    assert parameters_of(table) == expected


@pytest.mark.postgresql
def test_they_are_taken_back_and_others_stay() -> None:
    operation = storage_parameters("accounts_account", autovacuum_vacuum_scale_factor=0.07)
    for direction, expected in (
        (operation.database_forwards, ["autovacuum_vacuum_scale_factor=0.07", "fillfactor=50"]),
        (operation.database_backwards, ["fillfactor=50"]),
    ):
        with connection.schema_editor(atomic=False) as editor:
            direction("accounts", editor, _State(), _State())
        assert parameters_of("accounts_account") == expected


@pytest.mark.postgresql
def test_nobody_waits_for_them() -> None:
    """The lock lets others read and write."""
    with connection.schema_editor(atomic=False) as editor:
        storage_parameters("accounts_account", fillfactor=50).database_forwards(
            "accounts", editor, _State(), _State()
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT mode FROM pg_locks WHERE pid = pg_backend_pid()"
            " AND relation = 'accounts_account'::regclass"
        )
        assert cursor.fetchall() == [("ShareUpdateExclusiveLock",)]


@pytest.mark.sqlite
def test_sqlite_has_none() -> None:
    sent: list[str] = []
    editor = SimpleNamespace(connection=connection, execute=sent.append)
    operation = storage_parameters("no_table", fillfactor=50)
    operation.database_forwards("accounts", editor, _State(), _State())
    operation.database_backwards("accounts", editor, _State(), _State())
    assert sent == []


class _State:
    """What a migration hands to Python; nobody reads it here."""

    apps = None

    def clear_delayed_apps_cache(self) -> None: ...
