"""Installed packages match the pins, and their known vulnerabilities are noticed."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "constraints.txt": ["requirements.txt"],
    "constraints-dev.txt": ["requirements.txt", "requirements-dev.txt"],
    "deploy/ha/constraints.txt": ["deploy/ha/requirements.txt"],
    "deploy/airflow/constraints.txt": ["deploy/airflow/requirements.txt"],
}
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")


def pins(name: str) -> dict[str, list[str]]:
    """Each pinned line of a lock (`name==version`), and the hashes below it."""
    found: dict[str, list[str]] = {}
    text = (ROOT / name).read_text("utf-8").replace(" \\\n", "\n")
    pin = ""
    for line in (line.strip() for line in text.splitlines()):
        if _HASH.fullmatch(line):
            found[pin].append(line)
        elif line and not line.startswith("#"):
            pin = line
            assert pin not in found
            found[pin] = []
    return found


def versions(name: str) -> dict[str, str]:
    requirements = [Requirement(line) for line in pins(name)]
    found = {}
    for requirement in requirements:
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        found[_normal(requirement.name)] = specifier.version
    return found


def wanted(name: str) -> list[Requirement]:
    lines = (line.strip() for line in (ROOT / name).read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    found = pins(lock)
    assert len(found) > 15
    assert [pin for pin, hashes in found.items() if not hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_index_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_in_step_with_what_is_wanted(lock: str) -> None:
    """If not, `make constraints` was forgotten."""
    locked = versions(lock)
    for name in LOCKS[lock]:
        for requirement in wanted(name):
            version = locked[_normal(requirement.name)]
            assert requirement.specifier.contains(version), requirement


def test_tests_run_on_the_versions_that_are_served() -> None:
    assert versions("constraints.txt").items() <= versions("constraints-dev.txt").items()


@pytest.mark.parametrize("file", ["Makefile", "Dockerfile", "deploy/ha/Dockerfile"])
def test_everything_is_installed_by_its_hash(file: str) -> None:
    """And nothing else: the lists are complete, so pip resolves nothing."""
    text = (ROOT / file).read_text("utf-8").replace("$(PIP_INSTALL) -r $<", "")
    installs = [line for line in text.splitlines() if re.search(r"\bpip (install|wheel)\b", line)]
    assert len(installs) == {"Makefile": 1, "Dockerfile": 2, "deploy/ha/Dockerfile": 1}[file]
    for line in installs:
        assert "--no-deps --require-hashes" in line
        assert "PIP_INSTALL" in line or line.endswith(
            ("-r constraints.txt", "-r /etc/bank/constraints.txt")
        )
    assert "PIP_INSTALL" not in text.replace("PIP_INSTALL :=", "")


# A stub for pip-audit: it writes the report that a test needs, or none.
STUB = """#!{python}
import sys
from pathlib import Path
report = {report!r}
assert sys.argv.count("--requirement") == 1  # the real tool takes no package twice
if report is not None:
    Path(sys.argv[sys.argv.index("--output") + 1]).write_text(report)
print({said!r}, file=sys.stderr)
sys.exit({code})
"""
CLEAN: dict[str, Any] = {"name": "django", "version": "5.2.19", "vulns": []}
HOLE: dict[str, Any] = {
    "name": "oldlib",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": ["CVE-2026-1"]}],
}


def report_of(*packages: Any) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def audit(folder: Path, report: str | None, *, code: int = 0) -> tuple[int, str]:
    """Exit code and output of the script, with the stub instead of the tool."""
    tool = folder / "pip-audit"
    said = "ConnectionError: the source is away"
    tool.write_text(STUB.format(python=sys.executable, report=report, said=said, code=code))
    tool.chmod(0o755)
    return run_audit(tool)


def run_audit(tool: Path) -> tuple[int, str]:
    command = [sys.executable, ROOT / ".ci" / "audit.py", "--tool", str(tool)]
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def test_no_known_hole_passes(tmp_path: Path) -> None:
    assert audit(tmp_path, report_of(CLEAN)) == (0, "audit: 1 packages, 0 known holes\n")


def test_a_known_hole_fails(tmp_path: Path) -> None:
    assert audit(tmp_path, report_of(CLEAN, HOLE), code=1) == (
        1,
        "oldlib 1.0: PYSEC-2026-1, fixed in 1.1\naudit: 2 packages, 1 known holes\n",
    )


NOT_CHECKED = {"name": "ours", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize("report", [None, "", "half a rep", "{}", report_of(NOT_CHECKED)])
def test_an_outage_of_the_source_warns(tmp_path: Path, report: str | None) -> None:
    code, output = audit(tmp_path, report, code=1)
    assert code == 0
    assert "WARNING: known holes could not be looked up" in output
    assert "ConnectionError: the source is away" in output


def test_a_package_that_was_not_checked_is_named(tmp_path: Path) -> None:
    assert audit(tmp_path, report_of(CLEAN, NOT_CHECKED)) == (
        0,
        "audit: WARNING: not checked: ours\naudit: 1 packages, 0 known holes\n",
    )


def test_a_tool_that_does_not_run_is_no_outage(tmp_path: Path) -> None:
    assert audit(tmp_path, None, code=2)[0] == 2
    assert run_audit(tmp_path / "missing")[0] == 2


def test_notices_name_the_licence_of_every_package() -> None:
    """If not, `make notices` was forgotten."""
    command = [sys.executable, ROOT / ".ci" / "notices.py"]
    written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert (ROOT / "NOTICES.md").read_text("utf-8") == written
    rows = re.findall(r"^\| ([\w.-]+) \| (\d\S*) \| (.+) \|$", written, re.MULTILINE)
    assert {(_normal(name), version) for name, version, _ in rows} == versions(
        "constraints.txt"
    ).items()
    # The bank's own licence must allow distribution together with all of them.
    assert [row for row in rows if re.search(r"(?<!L)GPL", row[2])] == []


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert settings.SPECTACULAR_SETTINGS["VERSION"] == project["version"]
    assert f"## [{project['version']}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
