"""Asks for known holes in what is pinned: a hole fails, an outage of the source warns.

    python .ci/audit.py [--tool PATH]

Ends with 0 where nothing is known or nobody could be asked, with 1 for a hole, and with 2 where the
tool itself could not be run as meant.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The first has what the bank runs on too.
PINS = ("constraints-dev.txt", "deploy/ha/constraints.txt", "deploy/airflow/constraints.txt")
TIMEOUT_SECONDS = 300
USAGE_ERROR = 2

# Id of a hole -> why it does not concern us. Taken out as soon as there is a version without it.
ACCEPTED: dict[str, str] = {}


def main() -> int:
    parser = argparse.ArgumentParser(prog="audit", allow_abbrev=False)
    parser.add_argument("--tool", default=str(Path(sys.executable).parent / "pip-audit"))
    tool = parser.parse_args().tool
    packages: list[dict[str, Any]] = []
    for pins in PINS:  # One by one: the tool takes no package twice.
        code, said, found = _asked(tool, pins)
        if code == USAGE_ERROR:
            print(f"audit: the tool could not be run:\n{said}", file=sys.stderr)
            return USAGE_ERROR
        if not found:
            packages = []
            break
        packages += [package for package in found if package not in packages]
    return _judge(packages, said)


def _asked(tool: str, pins: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Exit code and last words of the tool, and the packages of its report; none in an outage."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        try:
            code, said = _run(tool, report, pins)
        except subprocess.TimeoutExpired:
            return 1, f"no answer within {TIMEOUT_SECONDS} seconds", []
        except OSError as error:
            return USAGE_ERROR, str(error), []
        try:
            found: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))["dependencies"]
        except (OSError, ValueError, KeyError):
            found = []
    return code, said, found


def _run(tool: str, report: Path, pins: str) -> tuple[int, str]:
    """Exit code and last words of the tool. It ends with 1 for a hole and for an outage alike."""
    # OSV (osv.dev) and not the package index, which a mirror may stand for that knows no holes.
    command = [tool, "--vulnerability-service", "osv", "--timeout", "15"]
    command += ["--disable-pip", "--require-hashes", "--requirement", pins]
    command += ["--progress-spinner", "off", "--format", "json", "--output", str(report)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        timeout=TIMEOUT_SECONDS,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, "\n".join(done.stdout.splitlines()[-5:])


def _judge(packages: list[dict[str, Any]], said: str) -> int:
    """The report alone tells holes from an outage, which leaves none."""
    checked = [package for package in packages if "skip_reason" not in package]
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if not checked:
        print(f"audit: WARNING: known holes could not be looked up, nothing was checked:\n{said}")
        return 0
    if skipped:
        print(f"audit: WARNING: not checked: {', '.join(skipped)}")
    holes = [
        (package, hole)
        for package in checked
        for hole in package["vulns"]
        if not {hole["id"], *hole.get("aliases", [])} & ACCEPTED.keys()
    ]
    for package, hole in holes:
        fixed = ", ".join(hole.get("fix_versions", [])) or "nothing yet"
        print(f"{package['name']} {package['version']}: {hole['id']}, fixed in {fixed}")
    print(f"audit: {len(checked)} packages, {len(holes)} known holes")
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())
