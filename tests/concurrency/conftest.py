"""Fixtures of the concurrency tests: a served bank, its random generator, and its counts."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from django.db import connection

from tests.concurrency.bank import Bank, supervisor_token
from tests.concurrency.client import Client
from tests.concurrency.server import served
from tests.concurrency.tally import Tally
from tests.seed import seeded

LEVELS = {"read committed": 2, "serializable": 4}


@pytest.fixture(scope="package")
def port(django_db_setup: None) -> Iterator[int]:
    """The port of the bank behind gunicorn. It runs until the last test of this folder that needs
    it.

    It does not run longer, because other tests copy the database, which nobody may use then.
    """
    with served() as port:
        yield port


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts that the run prints at its end, summed over all tests."""
    tally = Tally()
    yield tally
    request.node.user_properties.append(("tally", tally.as_dict()))


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    return seeded(request.node.name)


@pytest.fixture
def bank(transactional_db: None, port: int, random: Random, tally: Tally) -> Bank:
    return Bank(Client(port, supervisor_token(), tally), random, tally)


@pytest.fixture
def isolation(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the isolation level of later connections, in threads and processes."""

    def set_level(level: str) -> None:
        if connection.vendor == "postgresql":
            options: dict[str, Any] = connection.settings_dict["OPTIONS"]
            monkeypatch.setitem(options, "isolation_level", LEVELS[level])
            connection.close()

    return set_level
