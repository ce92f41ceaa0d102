"""A process that cannot begin to serve exits with a sentence: an exception would end gunicorn."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connection, utils
from django.db.backends.base import base

from core import startup
from core.files import FileProblem

DATABASE_ERRORS = [
    kind for kind in vars(utils).values() if isinstance(kind, type) and issubclass(kind, Error)
]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between the attempts, which take no time."""
    made: list[float] = []
    monkeypatch.setattr(startup.time, "sleep", made.append)
    return made


@pytest.mark.parametrize("part", ["timeouts.warn", "require_objects"])
@pytest.mark.parametrize("kind", [*DATABASE_ERRORS, ImproperlyConfigured, FileProblem])
def test_any_error_ends_the_start_with_its_sentence(
    kind: type[Exception], part: str, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise kind("the server has lost its mind")

    monkeypatch.setattr(startup.timeouts, "warn", lambda: None)
    monkeypatch.setattr(startup, "require_objects", lambda: None)
    monkeypatch.setattr(f"core.startup.{part}", fail)
    with pytest.raises(SystemExit) as ended:
        startup.wait_for_objects()
    assert "the server has lost its mind" in str(ended.value.code)
    assert len(waits) >= 20


def test_all_kinds_of_errors_are_tried() -> None:
    assert len(DATABASE_ERRORS) == 9


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_too_old_never_serves(
    waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django checks a connection when it opens it, and then keeps it all the same."""
    monkeypatch.setattr(type(connection.features), "minimum_database_version", (99,))
    monkeypatch.setattr(base, "RAN_DB_VERSION_CHECK", set())
    connection.close()
    with pytest.raises(SystemExit, match="PostgreSQL 99 or later is required"):
        startup.wait_for_objects()
    assert len(waits) >= 20
