"""A guard changes on PostgreSQL while others read the catalogue, and write to its table."""

from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from django.apps import apps
from django.db import connection, transaction

from core.database import all_objects, create_objects, missing_objects, schema_release
from core.database_objects import DatabaseObject, backend_of
from tests.concurrency.interleaving import rival

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

TABLE = "accounts_account"
CLOSED = "accounts_account_closed"
OURS = schema_release(connection.vendor)
OWN = {item.name: item for item in all_objects(connection.vendor)}


def bring(text: DatabaseObject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does what `migrate` of a next release with this text does."""
    config = apps.get_app_config(text.name.partition("_")[0])
    objects = [text if item.name == text.name else item for item in config.database_objects]
    with monkeypatch.context() as patch:
        patch.setattr(config, "database_objects", objects)
        create_objects(connection)


def another(name: str) -> DatabaseObject:
    """The next release's text under this name."""
    body = OWN[name].function_body.replace("BEGIN", "BEGIN -- Otherwise.", 1)
    assert body != OWN[name].function_body
    return replace(OWN[name], function_body=body, since=OURS + 1, replaces="")


@pytest.fixture(autouse=True)
def _as_before(transactional_db: None) -> Iterator[None]:
    """Restores the database of this release for the next test."""
    yield
    backend = backend_of(connection)
    with transaction.atomic(), connection.cursor() as cursor:
        backend.record_release(cursor, OURS)
        backend.drop(cursor, OWN[CLOSED])
    create_objects(connection)
    assert missing_objects(connection) == []


def texts_seen_by(session: psycopg.Connection) -> dict[str, str]:
    with session.cursor() as cursor:
        return backend_of(connection).fingerprints(cursor)


def test_a_reader_amid_the_change_finds_each_guard_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its query began before the change, and asks the server for definitions after it."""
    with rival() as reader:
        reader.session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        before = texts_seen_by(reader.session)
        bring(another(CLOSED), monkeypatch)
        assert texts_seen_by(reader.session) == before
    assert "" not in before.values()
    with rival() as reader:
        after = texts_seen_by(reader.session)
    assert after == before | {CLOSED: another(CLOSED).digest()}


def test_a_change_waits_for_no_writer_and_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    with rival() as writer:
        writer.session.execute(f"LOCK TABLE {TABLE} IN ROW EXCLUSIVE MODE")
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '20ms'")
        bring(another(CLOSED), monkeypatch)
    connection.close()
    with connection.cursor() as cursor:
        assert backend_of(connection).release(cursor) == OURS + 1


def test_code_of_this_release_is_ready_before_amid_and_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The text and the number change together: nobody sees one without the other."""
    seen = []
    backend = type(backend_of(connection))
    record = backend.record_release

    def record_late(self: object, cursor: object, number: int) -> None:
        with rival() as reader:
            texts = texts_seen_by(reader.session)
            release = backend_of(connection).release(reader.session.cursor())
        seen.append((texts[CLOSED] == backend_of(connection).expected(OWN[CLOSED]), release))
        record(self, cursor, number)

    with monkeypatch.context() as patch:
        patch.setattr(backend, "record_release", record_late)
        bring(another(CLOSED), patch)
    assert seen == [(True, OURS)]
    assert missing_objects(connection) == []


def test_a_change_during_the_first_reading_causes_a_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader waits while a view changes, and then compares old with new."""
    backend = type(backend_of(connection))
    read = backend.fingerprints
    readings = []

    def first_amid_a_change(self: object, cursor: object) -> dict[str, str]:
        readings.append(found := read(self, cursor))
        return found if len(readings) > 1 else found | {"transactions_entry": ""}

    monkeypatch.setattr(backend, "fingerprints", first_amid_a_change)
    assert missing_objects(connection) == []
    assert len(readings) == 2
