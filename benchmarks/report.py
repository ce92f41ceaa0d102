"""`python -m benchmarks.report FILE`: writes the figures of a run into README and performance.md.

The run is kept as benchmarks/results/published.json, so that a test can compare the pages with the
measured figures.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import tables

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "benchmarks" / "results" / "published.json"
PAGES = ("README.md", "docs/performance.md")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("Usage: python -m benchmarks.report FILE\n")
        return 2
    PUBLISHED.write_text(Path(arguments[0]).read_text())
    found = json.loads(PUBLISHED.read_text())
    for name in PAGES:
        page = ROOT / name
        page.write_text(with_figures(name, page.read_text(), found))
    return 0


def with_figures(name: str, text: str, found: Mapping[str, Any]) -> str:
    """The page with the part between its two marks regenerated from the run.

    Raises ValueError if a mark is missing.
    """
    before, begin, rest = text.partition("<!-- figures -->\n")
    _, end, after = rest.partition("<!-- /figures -->")
    if not end:
        raise ValueError(f"{name} has no place for figures.")
    made = (
        tables.headline(found)
        if name == "README.md"
        else ["", tables.conditions(found), "", *tables.lines(found), ""]
    )
    return before + begin + "\n".join([*made, end]) + after


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
