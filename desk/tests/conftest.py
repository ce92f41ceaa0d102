"""What all tests of the desk share."""

from typing import Any

import pytest

from desk.tests.files import Desk
from tests.api import make_user


@pytest.fixture
def desk(db: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Tessa uploads, Susan checks; two movements in each database transaction."""
    monkeypatch.setattr("desk.uploads.PIECE", 2)
    return Desk(make_user("tessa", role="teller"), make_user("susan", role="supervisor"))
