"""A folder of its own for the file of heads and the key."""

from pathlib import Path
from typing import Any

import pytest

from seals import keys


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """The data folder of this test, without a key."""
    settings.DATA_DIR = tmp_path
    settings.SEAL_KEY = b""
    settings.SEAL_KEY_FILE = "seal_key.pem"
    return tmp_path


@pytest.fixture
def keyed(folder: Path) -> Path:
    """The data folder of this test, with a key."""
    keys.make_key(keys.key_path())
    return folder
