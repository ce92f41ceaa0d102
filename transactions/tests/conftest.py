"""Fixtures of the tests that move money."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from transactions.tests.queueing import assert_clean


@pytest.fixture
def clean_ledger(db: None) -> Iterator[None]:
    """When the test is over, every invariant of the ledger holds."""
    yield
    assert_clean()


@pytest.fixture
def archive_file(settings: Any, tmp_path: Path) -> Path:
    """Where the archive of this test lies; nothing is there yet."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "archived_transactions.csv"
