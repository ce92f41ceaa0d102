"""The table of metrics in docs/operations.md is that of the code."""

import re
from pathlib import Path

from bankproject.metrics.database import DESCRIBED
from core.metrics.exposition import FREE, MEMORY, SIZE
from core.metrics.instruments import REGISTRY

ROOT = Path(__file__).resolve().parent.parent

Row = tuple[str, str, tuple[str, ...], str]


def rows_of_code() -> list[Row]:
    counted = [
        (
            f"{one._name}_total" if one._type == "counter" else one._name,
            one._type,
            tuple(one._labelnames),
            one._documentation,
        )
        for one in REGISTRY._collector_to_names
    ]
    read = [(name, "gauge", labels, meaning) for name, (meaning, labels) in DESCRIBED.items()]
    of_machine = [(MEMORY, ("process",)), (FREE, ()), (SIZE, ())]
    shown = [(name, "gauge", labels, meaning) for (name, meaning), labels in of_machine]
    return [*counted, *shown, *read]


def rows_of_page() -> list[Row]:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    rows = re.findall(r"^\| `(bank_\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    return [
        (name, kind, tuple(re.findall(r"`(\w+)`", labels)), meaning)
        for name, kind, labels, meaning in rows
    ]


def test_the_table_lists_each_metric_once_and_no_other() -> None:
    assert sorted(rows_of_page()) == sorted(rows_of_code())


def test_names_tell_what_and_in_which_unit() -> None:
    for name, kind, labels, _ in rows_of_code():
        assert re.fullmatch(r"bank(_[a-z]+)+", name)
        assert name.endswith("_total") == (kind == "counter")
        assert not set(labels) & {"account", "customer", "user", "client", "path_info"}


def test_a_meaning_stands_alone() -> None:
    """A scraper's page shows one at a time."""
    for name, _, _, meaning in rows_of_code():
        assert meaning.endswith("."), name
        assert not re.search(r"^Its |\bthat it\b|\b(them|these|those)\b", meaning), name
