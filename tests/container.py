"""The image without a container engine: its files in a clean folder, and an unprivileged user."""

import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import image
from tests.unprivileged import Account, private_folder, unprivileged_account

START_SECONDS = 60
STOP_SECONDS = 60
RUN_SECONDS = 120


@dataclass
class Container:
    """A folder with the image's files, in which commands run as the image runs them."""

    folder: Path
    data: Path
    launcher: list[str]
    variables: dict[str, str]
    python: str = sys.executable

    def start(self, words: list[str], **variables: str) -> subprocess.Popen[str]:
        assert words[0] == "python"
        # A container gets nothing from the caller's environment.
        return subprocess.Popen(
            [*self.launcher, self.python, *words[1:]],
            cwd=self.folder,
            env=self.variables | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, words: list[str], **variables: str) -> str:
        with self.start(words, **variables) as process:
            output, _ = process.communicate(timeout=RUN_SECONDS)
        assert process.returncode == 0, output
        return output

    def _is_healthy(self, variables: dict[str, str]) -> bool:
        with self.start(image.last("HEALTHCHECK").words(), **variables) as process:
            process.communicate(timeout=20)
        return process.returncode == 0

    @contextmanager
    def served(self, port: int, **variables: str) -> Iterator[str]:
        """Runs the image's own CMD, and waits until its HEALTHCHECK succeeds."""
        variables = {"HOST": "127.0.0.1", "PORT": str(port)} | variables
        process = self.start(image.last("CMD").words(), **variables)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not self._is_healthy(variables):
                assert process.poll() is None, process.stdout.read()
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0


def launcher_of(account: Account) -> list[str]:
    """The command prefix that runs a program as a user without rights; empty if we are one.

    It keeps only root's right to read, because this Python may be below root's home.
    """
    if not account:
        return []
    rights = "-all,+dac_read_search"
    words = [
        "setpriv", f"--reuid={account['user']}", f"--regid={account['group']}", "--clear-groups",
        "--no-new-privs", f"--inh-caps={rights}", f"--ambient-caps={rights}",
        f"--bounding-set={rights}",
    ]  # fmt: skip
    program = shutil.which(words[0])
    if not program:
        pytest.skip("root needs setpriv to give its rights up")
    launcher = [program, *words[1:]]
    if subprocess.run([*launcher, sys.executable, "-c", ""], check=False).returncode:
        pytest.skip("root cannot give its rights up here")
    return launcher


@contextmanager
def container() -> Iterator[Container]:
    """The image's folder: everything except data/ is read-only to its user."""
    account = unprivileged_account()
    with private_folder("bank-image-", account) as root:
        folder = root / "bank"
        folder.mkdir()
        image.copy_context(folder)
        (folder / "staticfiles").mkdir()
        (step,) = (item.rest for item in image.stages()[-1] if "compileall" in item.rest)
        subprocess.run([sys.executable, *step.split()[1:]], cwd=folder, check=True)
        for path in [folder, *folder.rglob("*")]:
            path.chmod(path.stat().st_mode & ~(stat.S_IWGRP | stat.S_IWOTH) | stat.S_IROTH)
            if path.is_dir():
                path.chmod(0o755)
        data = root / "data"
        data.mkdir(mode=0o700)
        if account:
            os.chown(data, account["user"], account["group"])
        variables = image.environment() | {
            "BANK_DATA_DIR": str(data),
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(48),
            "HOME": "/nonexistent",
            "WEB_CONCURRENCY": "1",
        }
        yield Container(folder, data, launcher_of(account), variables)
