"""What all tests share: which database they run on, and a password hasher that costs nothing."""

import os
import sqlite3
import sys
from collections.abc import Callable

import hypothesis
import psycopg
import pytest
from django.conf import settings
from django.core.cache import caches
from django.db import connection

from tests.clock import travel_together
from tests.disk import recorded

_OTHER_DATABASE = {"sqlite": "postgresql", "postgresql": "sqlite"}


def pytest_configure() -> None:
    travel_together()
    # No worker of a test runs jobs by itself, unless the test says so; nor do its servers.
    settings.JOBS = ()
    os.environ["BANK_JOBS"] = "none"
    # Argon2 takes a tenth of a second for each user that a test makes.
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "clients.hashers.GeneratedSecretHasher",
    ]
    # No test fails because the machine is slow.
    hypothesis.settings.register_profile("bank", deadline=None)
    hypothesis.settings.load_profile("bank")
    # As behind a proxy: tests name their requests.
    settings.TRUSTS_REQUEST_IDS = True


def pytest_report_header() -> str:
    if connection.vendor == "sqlite":
        return f"database: SQLite {sqlite3.sqlite_version}"
    # The test database does not exist yet, the maintenance database always does.
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    with psycopg.connect(**parameters) as server:
        return f"database: PostgreSQL {server.info.parameter_status('server_version')}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test marked `sqlite` or `postgresql` is skipped on the other one, and pytest says so."""
    other = _OTHER_DATABASE[connection.vendor]
    skip = pytest.mark.skip(reason=f"needs {other}, this run is on {connection.vendor}")
    for item in items:
        if item.get_closest_marker(other):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _nobody_was_counted_yet() -> None:
    """Throttles and lockouts begin anew: no test pays for the requests of another.

    Nor does it see what another has left on Today. The console knows what the operator has to see
    to: nothing. A test that empties the cache lets it read that again. Readiness does not repeat
    the trouble of another test.
    """
    from bankproject.console import duties
    from core.database_errors import forget_trouble

    forget_trouble()
    caches["throttles"].clear()
    caches["default"].clear()
    caches["default"].set(duties.KEY, duties.Duties(), None)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the test asks of the disk, in order."""
    return recorded(monkeypatch)


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints what a test counted or measured, whether it passes or not."""

    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits a minute for a settled moment.

    On PostgreSQL it comes after all older transactions of the server, those of tests that run at
    the same time on another database included.
    """
    monkeypatch.setattr(settings, "LOCK_TIMEOUT_SECONDS", 60)
