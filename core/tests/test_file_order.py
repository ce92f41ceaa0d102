"""The order of syncs to disk. kill -9 cannot test it, because the system keeps running."""

import os
from pathlib import Path
from typing import Any

import pytest

from core import files
from core.files import write_atomically


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each fsync (of a file or a folder) and each rename, in order."""
    found: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def recorded_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        found.append(f"fsync {'folder' if path.is_dir() else 'file'}")
        fsync(descriptor)

    def recorded_replace(self: Path, target: Any) -> Path:
        found.append("replace")
        return replace(self, target)

    monkeypatch.setattr(files.os, "fsync", recorded_fsync)
    monkeypatch.setattr(Path, "replace", recorded_replace)
    return found


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_file_is_durable_before_it_takes_its_place_and_its_name_afterwards(
    old: bytes | None, tmp_path: Path, calls: list[str]
) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes(old)
    with write_atomically(path) as file:
        file.write(b"new")
    assert calls == ["fsync file", "replace", "fsync folder"]
    assert path.read_bytes() == b"new"
