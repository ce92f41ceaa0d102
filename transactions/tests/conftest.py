"""Fixtures of the tests that move money."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine

from transactions.tests.queueing import assert_clean


@pytest.fixture
def clean_ledger(db: None) -> Iterator[None]:
    """Checks every invariant of the ledger after the test."""
    yield
    # Tests that travel in time go to the year 2100 at the latest: nothing is in the future then.
    with time_machine.travel(datetime(2101, 1, 1, tzinfo=UTC)):
        assert_clean()


@pytest.fixture
def archive_file(settings: Any, tmp_path: Path) -> Path:
    """The path of this test's archive; no file is there yet."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "archived_transactions.csv"
