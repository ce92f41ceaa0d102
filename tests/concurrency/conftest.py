"""Fixtures of the concurrency tests: a served bank, its random generator, and its counts."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
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
def ports(django_db_setup: None) -> Iterator[Callable[[bool], int]]:
    """The ports of the bank behind gunicorn: one that gathers commands, and one that does not.

    Each starts when the first test needs it, and runs until the last test of this folder. It does
    not run longer, because other tests copy the database, which nobody may use then.
    """
    with ExitStack() as stack:
        yield cache(lambda gathers: stack.enter_context(served(gathers=gathers)))


@pytest.fixture
def gathers() -> bool:
    """Whether the served bank gathers commands. Tests with WITH_AND_WITHOUT run both ways."""
    return True


@pytest.fixture
def port(ports: Callable[[bool], int], gathers: bool) -> int:
    return ports(gathers)


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
