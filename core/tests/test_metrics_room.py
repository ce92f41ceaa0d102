"""The room on the data folder's file system, as metrics show it."""

import shutil
from pathlib import Path

import pytest

from tests.metrics import reading

NONE: frozenset[tuple[str, str]] = frozenset()
MARGIN_BYTES = 2**30  # Others write meanwhile.


def test_the_room_is_that_of_the_folder_of_data(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    found = reading()
    free, size = found["bank_data_free_bytes", NONE], found["bank_data_size_bytes", NONE]
    room = shutil.disk_usage(tmp_path)
    assert free == pytest.approx(room.free, abs=MARGIN_BYTES)
    assert size == pytest.approx(room.used + room.free, abs=MARGIN_BYTES)
    assert 0 <= free <= size <= room.total


def test_a_folder_that_is_gone_takes_no_other_metric_along(settings, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path / "gone"
    found = reading()
    assert ("bank_data_free_bytes", NONE) not in found
    assert ("bank_http_requests_in_flight", NONE) in found
