"""A clean checkout of the bank's files in its own folder, and commands that run there."""

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import image
from tests.http import free_port, get

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


class Checkout:
    """A clean checkout of the bank's files, `data` included, and commands that run there."""

    def __init__(self, folder: Path, umask: int, url: str) -> None:
        self.folder, self.umask = folder, umask
        image.copy_context(folder)
        self.data = folder / "data"
        self.data.mkdir()
        (self.data / "README.md").touch(0o644)
        self.data.chmod(0o755)
        # Nothing from the tests' own bank.
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("BANK_", "DJANGO_", "COV_", "COVERAGE_"))
        } | {
            "DATABASE_URL": url,
            "PORT": str(free_port()),
            "WEB_CONCURRENCY": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.brought = set(folder.rglob("*"))

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            umask=self.umask,
        )

    def run(self, *words: str) -> str:
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, f"{words}:\n{output}{errors}"
        return output

    @contextmanager
    def served(self, *words: str) -> Iterator[str]:
        process = self.start(*words)
        url = f"http://127.0.0.1:{self.environment['PORT']}/api/v1"
        try:
            deadline = time.monotonic() + START_SECONDS
            while get(f"{url}/health/ready/")[0] != 200:
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.communicate(timeout=60)

    def made(self) -> dict[str, int]:
        """The permissions, by path, of all files created since, and of `data`."""
        found = [path for path in self.folder.rglob("*") if path not in self.brought]
        return {
            str(path.relative_to(self.folder)): stat.S_IMODE(path.lstat().st_mode)
            for path in [self.data, *found]
        }
