"""An installation has exactly the pinned versions, even if newer ones have been released.

The lists are installed from an index that has a newer version of every package. The test creates
the index: each package is an empty wheel with the real requirements, so no network is needed.
"""

import hashlib
import importlib.metadata
import json
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.test_supply_chain import pins

ROOT = Path(__file__).resolve().parent.parent
NEWER = "9999.0"


def test_make_installs_the_pins_alone(old_pip: Path, index: Path, tmp_path: Path) -> None:
    """With the pip of this Python's venv, and with the pinned pip."""
    for python in (str(old_pip), sys.executable):
        for name in ("constraints.txt", "constraints-dev.txt"):
            lock, pinned = rewritten(name, index, tmp_path)
            assert len(pinned) > 30
            assert resolved(python, index, lock, options_of_make()) == pinned


def test_a_pip_that_resolves_would_take_something_newer(index: Path, tmp_path: Path) -> None:
    """The control: the index has newer versions, and pip takes them if it is allowed to."""
    _lock, pinned = rewritten("constraints.txt", index, tmp_path)
    loose = tmp_path / "loose.txt"
    loose.write_text("".join(f"{name}\n" for name in pinned))
    assert NEWER in resolved(sys.executable, index, loose, []).values()


def options_of_make() -> list[str]:
    """The options after `pip install` in the Makefile."""
    text = (ROOT / "Makefile").read_text("utf-8")
    found = re.search(r"^PIP_INSTALL := \$\(BIN\)/python -m pip install (.+)$", text, re.MULTILINE)
    assert found
    return found[1].split()


@pytest.fixture(scope="module")
def old_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new virtual environment, created as the Makefile does."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two wheels for every pin: the pinned version, and a newer one."""
    folder = tmp_path_factory.mktemp("index")
    for pin in pins("constraints-dev.txt"):
        requirement = Requirement(pin.partition(";")[0])
        try:
            requires = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            assert not applies(pin), f"{pin} is not installed"
            continue
        version = next(iter(requirement.specifier)).version
        for number in (version, NEWER):
            make_wheel(folder, requirement.name, number, requires)
    return folder


def applies(pin: str) -> bool:
    """Whether a pin applies to this Python and this system."""
    marker = Requirement(pin).marker
    return marker is None or marker.evaluate()


def make_wheel(folder: Path, name: str, version: str, requires: list[str]) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    extras = {found for line in requires for found in re.findall(r"extra == ['\"](.+?)['\"]", line)}
    metadata = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Provides-Extra: {extra}" for extra in sorted(extras)),
        *(f"Requires-Dist: {line}" for line in requires),
    ]
    wheel = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as file:
        file.writestr(f"{stem}.dist-info/METADATA", "\n".join(metadata) + "\n")
        file.writestr(f"{stem}.dist-info/WHEEL", wheel)
        file.writestr(f"{stem}.dist-info/RECORD", "")


def rewritten(name: str, index: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    """The list with the hashes of our wheels, and the versions that it pins here."""
    lines, pinned = [], {}
    for pin in filter(applies, pins(name)):
        requirement = Requirement(pin.partition(";")[0])
        version = next(iter(requirement.specifier)).version
        wheel = index / f"{requirement.name.replace('-', '_')}-{version}-py3-none-any.whl"
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lines.append(f"{pin} --hash=sha256:{digest}\n")
        pinned[requirement.name] = version
    lock = folder / name
    lock.write_text("".join(lines))
    return lock, pinned


def resolved(python: str, index: Path, lock: Path, options: list[str]) -> dict[str, str]:
    """The versions that pip would install from this list, by name."""
    report = lock.with_suffix(".json")
    command = [
        *(python, "-m", "pip", "install", "--isolated", *options),
        *("--dry-run", "--ignore-installed", "--report", str(report)),
        *("--no-index", "--find-links", str(index), "-r", str(lock)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    items = json.loads(report.read_text())["install"]
    return {item["metadata"]["name"]: item["metadata"]["version"] for item in items}
