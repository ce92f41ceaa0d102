"""A receiver on this machine, and a bank that may reach it."""

from collections.abc import Iterator
from typing import Any

import pytest

from webhooks.tests.receiver import Receiver, receiver


@pytest.fixture
def reaches_private(settings: Any) -> None:
    settings.WEBHOOKS_REACH_PRIVATE = True


@pytest.fixture
def got(reaches_private: None) -> Iterator[Receiver]:
    with receiver() as one:
        yield one
