"""The list of mutants: `*.toml` beside this file, with a table for each, by its name.

    [funds_one_unit_short]
    file = "transactions/ledger/posting.py"
    old = "debited.available < posting.amount"
    new = "debited.available < posting.amount - 1"
    tests = ["transactions/tests/commands/test_withdraw.py"]

`old` must occur exactly once in the file. `database` is "sqlite", the default, or "postgresql".
`survives` explains why no test can catch the mutant. It then counts as explained, not as killed.
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).resolve().parent
ROOT = LISTS.parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A small change that makes the bank wrong. `area` is the name of its list."""

    name: str
    area: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    database: str = "sqlite"
    survives: str = ""

    def plant(self, tree: Path) -> None:
        """Changes the file in a copy of the tree. Raises ValueError unless `old` occurs exactly
        once.
        """
        path = tree / self.file
        path.write_text(self.changed(path.read_text("utf-8")), "utf-8")

    def changed(self, text: str) -> str:
        """The text with the bug. Raises ValueError unless `old` occurs in it exactly once."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: its old text is {count} times in {self.file}.")
        return text.replace(self.old, self.new)


def all_mutants() -> list[Mutant]:
    """The whole list, in the order of the files. Raises ValueError for a repeated name."""
    found: dict[str, Mutant] = {}
    for path in sorted(LISTS.glob("*.toml")):
        for name, values in tomllib.loads(path.read_text("utf-8")).items():
            if name in found:
                raise ValueError(f"Two mutants are named {name}.")
            tests = tuple(values.pop("tests"))
            found[name] = Mutant(name=name, area=path.stem, tests=tests, **values)
    return list(found.values())
