"""Writes NOTICES.md: the licence of every package that the bank runs on, from its own metadata.

python .ci/notices.py            prints the file
python .ci/notices.py --write    writes it
"""

import argparse
import importlib.metadata
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_HEADING = """\
# Licences of the packages that the bank runs on

The bank itself is under the [MIT licence](LICENSE). It is served with the packages below, which
`constraints.txt` pins. `make notices` writes this page from the metadata of the packages, and a
test compares the two.

Each package carries the text of its licence: look into `<package>.dist-info/` in `.venv` or in the
image. Copies of the bank that hold packages, such as a container image, must keep these files.

- **LGPL** (psycopg, jwcrypto, python-bidi, python-stdnum): the bank imports the packages unchanged,
  as separate files. You may replace each of them with a version of your own: install it over the
  pinned one.
- **MPL** (certifi): the list of certificates stays under the MPL, and its source is the package
  itself.
- The console is served with assets of `django-unfold` (Alpine.js, htmx, Chart.js, SimpleBar: MIT;
  Material Symbols: Apache-2.0; Inter: OFL-1.1), and Swagger UI (Apache-2.0) lies in
  `drf-spectacular-sidecar`.
- Documents are set in the fonts of [core/pdf/fonts](core/pdf/fonts/README.md): Noto Sans (OFL-1.1)
  and Droid Sans Fallback (Apache-2.0).

| Name | Version | Licence |
|---|---|---|
"""
# What a package says in a way that nobody could read in a table, or leaves to a file.
_SAID_ELSEWHERE = {
    "django-oauth-toolkit": "BSD-2-Clause",
    "drf-spectacular-sidecar": "BSD-3-Clause",
    "python-bidi": "LGPL-3.0-or-later",
    "python-stdnum": "LGPL-2.1-or-later",
    "qrcode": "BSD-3-Clause",
    "reportlab": "BSD-3-Clause",
    "sqlparse": "BSD-3-Clause",
    # Pinned for other systems, and so not installed here.
    "async-timeout": "Apache-2.0",
    "colorama": "BSD-3-Clause",
    "tzdata": "Apache-2.0",
}


def notices() -> str:
    """The text of NOTICES.md. Raises LookupError for a package without a licence."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [found for line in lines if (found := re.match(r"([\w.-]+)==([^\s;]+)", line))]
    rows = [f"| {pin[1]} | {pin[2]} | {_licence(pin[1])} |\n" for pin in pins]
    return _HEADING + "".join(rows)


def _licence(name: str) -> str:
    if name in _SAID_ELSEWHERE:
        return _SAID_ELSEWHERE[name]
    metadata = importlib.metadata.metadata(name)
    licence = metadata.get("License-Expression") or metadata.get("License") or ""
    if not licence or "\n" in licence:
        raise LookupError(f"{name} names no licence: look it up, and add it to .ci/notices.py.")
    return licence


def main() -> int:
    parser = argparse.ArgumentParser(prog="notices", allow_abbrev=False)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        (ROOT / "NOTICES.md").write_text(notices(), "utf-8")
    else:
        sys.stdout.write(notices())
    return 0


if __name__ == "__main__":
    sys.exit(main())
