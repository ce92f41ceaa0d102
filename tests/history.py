"""Files of an earlier commit, from the history of this checkout."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class NotInHistory(Exception):
    """There is no git, or its history lacks the commit; the message is git's own."""


def id_of(commit: str) -> str:
    """The full id of a commit: an id, a tag or a branch. Raises NotInHistory."""
    words = ("rev-parse", "--verify", "--end-of-options", f"{commit}^{{commit}}")
    return _git(*words).decode().strip()


def extract(commit: str, folder: Path) -> None:
    """Writes the commit's files into the folder. Changes nothing in git. Raises NotInHistory."""
    archive = _git("archive", "--format=tar", commit)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        # Python 3.11.4 and newer ask how far an archive is trusted; this one is our own.
        files.extraction_filter = getattr(tarfile, "data_filter", None)
        files.extractall(folder)  # noqa: S202


def _git(*words: str) -> bytes:
    command = [shutil.which("git") or "false", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        raise NotInHistory(done.stderr.decode().strip())
    return done.stdout
