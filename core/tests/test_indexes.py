"""PostgreSQL adds an index to a table while others write to it."""

from collections.abc import Iterator
from threading import Thread

import psycopg
import pytest
from django.db import connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AddIndex

from core.indexes import AddIndexBesideWriters
from tests.concurrency.crowd import PATIENCE_SECONDS
from tests.concurrency.interleaving import rival, until, waiting_sessions

pytestmark = pytest.mark.django_db(transaction=True)

NAME = "transaction_again"
WRITE = "LOCK TABLE transactions_transaction IN ROW EXCLUSIVE MODE"
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


def apply(kind: type[AddIndex]) -> None:
    """Applies the operation as `migrate` does in a migration with `atomic = False`."""
    operation = kind("transaction", models.Index(fields=["created_by", "id"], name=NAME))
    before = MigrationLoader(None).project_state()
    after = before.clone()
    operation.state_forwards("transactions", after)
    try:
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("transactions", editor, before, after)
    finally:
        connection.close()


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {NAME}")


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, "transactions_transaction"))


def a_second_writer_writes_while(kind: type[AddIndex]) -> bool:
    """Whether a second writer can write while the index waits for a first one."""
    build = Thread(target=apply, args=(kind,))
    with rival() as first, rival() as second:
        first.session.execute(WRITE)
        build.start()
        assert until(lambda: waiting_sessions() == 1)
        second.session.execute("SET lock_timeout = '200ms'")
        try:
            second.session.execute(WRITE)
        except psycopg.errors.LockNotAvailable:
            return False
        finally:
            first.session.rollback()
            second.session.rollback()
            build.join(PATIENCE_SECONDS)
    return True


@pytest.mark.postgresql
def test_writers_do_not_wait_for_it() -> None:
    assert a_second_writer_writes_while(AddIndexBesideWriters)
    assert NAME in indexes()


@pytest.mark.postgresql
def test_they_would_wait_for_an_ordinary_one() -> None:
    assert not a_second_writer_writes_while(AddIndex)


@pytest.mark.postgresql
def test_it_begins_anew_after_an_interrupted_build() -> None:
    apply(AddIndexBesideWriters)
    with connection.cursor() as cursor:
        # The state after an interrupted build.
        cursor.execute(
            f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{NAME}'::regclass"
        )
    apply(AddIndexBesideWriters)
    with connection.cursor() as cursor:
        cursor.execute(VALID, [NAME])
        assert cursor.fetchone() == (True,)


def test_it_is_an_index_on_both_databases() -> None:
    apply(AddIndexBesideWriters)
    assert NAME in indexes()
