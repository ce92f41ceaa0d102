from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, OperationalError, connection, connections, transaction
from django.utils.connection import ConnectionDoesNotExist

from core import snapshot as module
from core.snapshot import snapshot

User = get_user_model()
pytestmark = pytest.mark.django_db(transaction=True)


def make_user_elsewhere(name: str) -> None:
    """Commits on another connection, in another thread."""

    def commit() -> None:
        try:
            User.objects.create(username=name)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(commit).result(timeout=10)


def names(alias: str = "default") -> list[str]:
    return list(User.objects.using(alias).order_by("username").values_list("username", flat=True))


def test_a_writer_goes_on_and_is_not_seen() -> None:
    User.objects.create(username="ada")
    with snapshot() as reader:
        assert names(reader.alias) == ["ada"]
        make_user_elsewhere("bob")
        assert names(reader.alias) == ["ada"]
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM auth_user")
            assert cursor.fetchone() == (1,)
    assert names() == ["ada", "bob"]


def test_it_is_taken_when_the_block_begins() -> None:
    with snapshot() as reader:
        make_user_elsewhere("ada")
        assert names(reader.alias) == []


def test_nothing_can_be_written_through_it() -> None:
    with pytest.raises(DatabaseError, match=r"read-?only"), snapshot() as reader:
        User.objects.using(reader.alias).create(username="ada")
    assert names() == []
    User.objects.create(username="bob")


def test_a_transaction_around_it_is_refused() -> None:
    with pytest.raises(RuntimeError), transaction.atomic(), snapshot():
        pass


@pytest.mark.postgresql
def test_only_the_snapshot_is_without_time_limits() -> None:
    def limits() -> tuple[str, str, str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT current_setting('statement_timeout'),"
                " current_setting('idle_in_transaction_session_timeout'),"
                " current_setting('transaction_isolation')"
            )
            found: tuple[str, str, str] = cursor.fetchone()
            return found

    before = limits()
    assert before == ("20s", "30s", "read committed")
    with snapshot():
        assert limits() == ("0", "0", "repeatable read")
    assert limits() == before


def copies() -> list[Path]:
    """The copies that snapshots have left beside this database. The folder has other tests' files
    too.
    """
    database = Path(connection.settings_dict["NAME"])
    return sorted(database.parent.glob(f".{database.name}-*"))


@pytest.mark.sqlite
def test_the_copy_leaves_nothing_behind() -> None:
    assert copies() == []
    with snapshot() as reader:
        (added,) = copies()
        assert Path(reader.settings_dict["NAME"]).parent == added
        assert added.stat().st_mode & 0o777 == 0o700
        assert reader.alias not in list(connections)
    assert copies() == []
    with pytest.raises(ConnectionDoesNotExist):
        connections[reader.alias]
    with pytest.raises(ZeroDivisionError), snapshot():
        _ = 1 / 0
    assert copies() == []


@pytest.mark.sqlite
def test_the_copy_of_a_killed_process_is_removed_by_the_next() -> None:
    with snapshot() as reader:
        used = Path(reader.settings_dict["NAME"]).parent
        left = used.with_name(f"{used.name[:-3]}---")
        left.mkdir()
        (left / used.name).write_bytes(b"of a killed process")
        # Another process may still use the folder.
        with snapshot():
            assert left.exists()
    with snapshot():
        assert not left.exists()
    assert copies() == []


@pytest.mark.sqlite
def test_a_bank_written_all_the_time_is_copied_in_one_step(monkeypatch) -> None:
    steps: list[int] = []
    backup = module._backup

    def counted(source, target, pages, timeout_seconds, error) -> None:
        steps.append(pages)
        backup(source, target, pages, timeout_seconds, error)

    monkeypatch.setattr(module, "_backup", counted)
    monkeypatch.setattr(module, "_PAGES_IN_STEP", 1)
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0)
    User.objects.create(username="ada")
    with snapshot() as reader:
        assert names(reader.alias) == ["ada"]
    assert steps == [1, -1]


@pytest.mark.sqlite
def test_a_database_that_stays_locked_is_given_up(monkeypatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(module, "_LOCK_TIMEOUT_SECONDS", 0.05)
    User.objects.create(username="ada")
    rival = connection.copy(alias="rival")
    try:
        with rival.cursor() as cursor, connection.cursor() as own:
            own.execute("PRAGMA busy_timeout = 0")
            cursor.execute("BEGIN EXCLUSIVE")
            with pytest.raises(OperationalError, match="stayed locked"), snapshot():
                pass
            cursor.execute("ROLLBACK")
            own.execute("PRAGMA busy_timeout = 20000")
    finally:
        rival.close()
    with snapshot() as reader:
        assert names(reader.alias) == ["ada"]
