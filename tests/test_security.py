"""The threat model names tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_ROW = re.compile(r"^\| (?!Defended|---)")
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> list[str]:
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    return [line for line in text.splitlines() if _ROW.match(line)]


def test_every_promise_names_its_test() -> None:
    assert len(rows()) > 25
    assert [row for row in rows() if not _TEST.search(row)] == []


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for path, name in {pair for row in rows() for pair in _TEST.findall(row)}:
        file = ROOT / path
        tree = ast.parse(file.read_text("utf-8")) if file.is_file() else ast.Module([], [])
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if name not in functions:
            missing.append(f"{path}::{name}")
    assert missing == []
