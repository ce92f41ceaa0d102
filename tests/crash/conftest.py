"""Fixtures of the crash tests: workers and a web server on the database of this run."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from django.db import connection

from tests.concurrency.crowd import environment_of_database
from tests.concurrency.tally import Tally
from tests.crash.processes import Workers, workers
from tests.crash.web import WebServer, web_server
from tests.seed import seeded


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Iterator[Tally]:
    """Counts that the run prints at its end, summed over all tests."""
    tally = Tally()
    yield tally
    request.node.user_properties.append(("tally", tally.as_dict()))


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    return seeded(request.node.name)


@pytest.fixture(scope="module")
def environment(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment for a process that works on the database of this run."""
    folder = tmp_path_factory.mktemp("bank")
    if connection.vendor == "sqlite":
        (folder / "bank.sqlite3").symlink_to(connection.settings_dict["NAME"])
    return environment_of_database(str(folder)) | {"BANK_LOG_FORMAT": "console"}


@pytest.fixture(scope="module")
def queue_workers(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    with workers(environment, tmp_path_factory.mktemp("workers")) as started:
        yield started


@pytest.fixture(scope="module")
def web(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebServer]:
    """A web server that dies at the failpoint for which a test sets a fuse."""
    with web_server(environment, tmp_path_factory.mktemp("web"), fused=True) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
