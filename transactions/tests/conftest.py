"""Fixtures of the tests that move money."""

from collections.abc import Iterator

import pytest

from transactions.tests.queueing import assert_clean


@pytest.fixture
def clean_ledger(db: None) -> Iterator[None]:
    """When the test is over, every invariant of the ledger holds."""
    yield
    assert_clean()
