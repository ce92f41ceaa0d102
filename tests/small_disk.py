"""A disk of a few megabytes: a tmpfs, which only root may mount."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NoSmallDisk(Exception):
    """This process may not mount anything."""


@contextmanager
def small_disk(folder: Path, *, megabytes: int) -> Iterator[None]:
    """Mounts an empty disk at the folder until the end of the block. Raises NoSmallDisk."""
    if os.geteuid() != 0:
        raise NoSmallDisk
    options = f"size={megabytes}m,mode=0777"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        raise NoSmallDisk
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607 - of this system
