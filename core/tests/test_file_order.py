"""The order of syncs to disk of files that are replaced as a whole."""

from pathlib import Path

import pytest

from core.files import write_atomically


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_file_is_durable_before_it_takes_its_place_and_its_name_afterwards(
    old: bytes | None, tmp_path: Path, disk: list[str]
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    with write_atomically(path) as file:
        file.write(b"new")
    assert disk == ["fsync temporary", "replace file", "fsync folder"]
    assert path.read_bytes() == b"new"
