"""What all tests of jobs share."""

import pytest

from jobs.tests.daily_bank import daily_bank

__all__ = ["daily_bank"]


@pytest.fixture(autouse=True)
def _waits(patient: None) -> None:
    """Sealing and issuing wait for a settled moment."""
