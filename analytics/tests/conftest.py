"""What all tests of analytics share."""

import pytest


@pytest.fixture(autouse=True)
def _waits(patient: None) -> None:
    """An export to the lake waits for a settled moment."""
