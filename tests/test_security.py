"""The threat model names existing tests."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| (?!Defended|Chapter|---)")
# A chapter of ASVS without an applicable requirement.
_NOTHING_APPLIES = re.compile(r"^\| V[0-9]+ [^|]+\| - \|")
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[str]:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    return [line for line in text.splitlines() if _ROW.match(line)]


def test_every_promise_names_its_test() -> None:
    assert len(rows()) > 25
    unshown = [row for row in rows() if not _TEST.search(row)]
    assert [row for row in unshown if not _NOTHING_APPLIES.match(row)] == []


def test_every_chapter_of_asvs_has_its_row() -> None:
    chapters = [row.split()[1] for row in rows() if re.match(r"\| V[0-9]", row)]
    assert chapters == [f"V{number}" for number in range(1, 18)]


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for path, name in {pair for row in rows() for pair in _TEST.findall(row)}:
        file = ROOT / path
        tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if name not in functions:
            missing.append(f"{path}::{name}")
    assert missing == []
