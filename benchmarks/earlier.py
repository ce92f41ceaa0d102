"""The code of an earlier commit, ready to be measured by this suite."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from packaging.requirements import Requirement

from benchmarks.jobs.preparation import ROOT
from tests.history import NotInHistory, extract, id_of

# Both sides are measured by the same suite: this one.
_SUITE = ("benchmarks", "tests")
_CACHES = shutil.ignore_patterns("__pycache__", "results", "node_modules")


class CannotCompare(Exception):
    """The commit cannot be measured here; the message says why."""


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A temporary folder with the files of the commit, but with this suite.

    Settings in a file `.env` apply to both sides. Raises CannotCompare.
    """
    with TemporaryDirectory(prefix="bank-benchmark-") as name:
        folder = Path(name).resolve()
        try:
            extract(commit, folder)
        except NotInHistory as error:
            raise CannotCompare(f"git has no files of {commit}: {error}") from error
        require_environment(folder)
        for part in _SUITE:
            shutil.rmtree(folder / part, ignore_errors=True)
            shutil.copytree(ROOT / part, folder / part, ignore=_CACHES)
        if (ROOT / ".env").exists():
            shutil.copy2(ROOT / ".env", folder)
        yield folder


def full_id(commit: str) -> str:
    """Raises CannotCompare for what is no commit."""
    try:
        return id_of(commit)
    except NotInHistory as error:
        raise CannotCompare(f"There is no commit {commit}: {error}") from error


def require_environment(folder: Path) -> None:
    """Raises CannotCompare unless what is installed satisfies the folder's requirements."""
    if faults := unmet((folder / "requirements.txt").read_text("utf-8")):
        raise CannotCompare(
            "Both commits run on what is installed here, and the other one needs something else: "
            f"{'; '.join(faults)}."
        )


def unmet(requirements: str) -> list[str]:
    """What is not installed as the lines of a requirements.txt want it."""
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return [
        f"{each.name}{each.specifier} (here is {installed or 'none'})"
        for each in wanted
        if each.marker is None or each.marker.evaluate()
        for installed in [_installed(each.name)]
        if installed is None or not each.specifier.contains(installed, prereleases=True)
    ]


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
