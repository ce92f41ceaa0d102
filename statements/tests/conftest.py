"""What all tests of statements share."""

import pytest


@pytest.fixture(autouse=True)
def _waits(patient: None) -> None:
    """Issuing waits for a settled moment."""
