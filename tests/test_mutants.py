"""The list of mutants is up to date: the changed texts and the named tests exist.

`make mutants` plants them; this test costs almost nothing.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Mutant, all_mutants

MUTANTS = all_mutants()


def test_the_list_is_long_enough() -> None:
    assert len(MUTANTS) >= 150


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_changed_text_occurs_once_and_the_tests_exist(mutant: Mutant) -> None:
    changed = mutant.changed((ROOT / mutant.file).read_text("utf-8"))

    if mutant.file.endswith(".py"):
        ast.parse(changed)
    assert mutant.old != mutant.new
    assert mutant.database in ("sqlite", "postgresql")
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).is_file(), file
        assert not name or name.partition("[")[0] in _functions(ROOT / file), test


@cache
def _functions(path: Path) -> frozenset[str]:
    def names() -> Iterator[str]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield node.name

    return frozenset(names())
