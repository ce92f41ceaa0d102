"""Parts of Today: figures, tables and charts, each with a link to its rows."""

import json
from dataclasses import dataclass
from typing import Any

# Names of unfold's palette. The page also says them in words, not by colour alone.
GOOD, BAD, WAITING, NEUTRAL = "success", "danger", "warning", ""

_GRID = "#9ca3af33"  # Visible on white and on black.
_TEXT = "#7b8494"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that staff check in the morning, with a sentence about it."""

    label: str
    value: str
    link: str
    explanation: str = ""
    tone: str = NEUTRAL


@dataclass(frozen=True, slots=True)
class TableCell:
    text: str
    link: str = ""
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """`numbers` names the numeric columns, which are right-aligned."""

    title: str
    headers: list[str]
    rows: list[list[TableCell]]
    when_empty: str
    numbers: frozenset[int] = frozenset()
    note: str = ""
    link: str = ""

    @property
    def columns(self) -> list[tuple[str, bool]]:
        return [(header, index in self.numbers) for index, header in enumerate(self.headers)]


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars for Chart.js, which unfold includes. `table` has the same data as text."""

    title: str
    labels: list[str]
    series: dict[str, list[int]]
    colours: dict[str, str]
    across: str
    up: str
    table: Table
    summary: str
    link: str = ""

    @property
    def data(self) -> str:
        datasets = [
            {"label": name, "data": values, "backgroundColor": self.colours[name]}
            for name, values in self.series.items()
        ]
        return json.dumps({"labels": self.labels, "datasets": datasets})

    @property
    def options(self) -> str:
        return json.dumps(
            {
                "animation": False,
                "responsive": True,
                "maintainAspectRatio": False,
                "maxBarThickness": 28,
                "plugins": {
                    "legend": {
                        "display": len(self.series) > 1,
                        "align": "end",
                        "labels": {"color": _TEXT, "boxWidth": 10, "boxHeight": 10},
                    }
                },
                "scales": {
                    "x": {"stacked": True, **_axis(self.across)},
                    "y": {"stacked": True, "beginAtZero": True, **_axis(self.up, whole=True)},
                },
            }
        )


def _axis(title: str, *, whole: bool = False) -> dict[str, Any]:
    """An axis labelled with its unit."""
    # A turned label ends below its bar, and reads as that of the bar beside it.
    ticks = {"color": _TEXT, "maxRotation": 0, "autoSkipPadding": 8}
    ticks |= {"precision": 0} if whole else {}
    return {
        "title": {"display": True, "text": title, "color": _TEXT},
        "ticks": ticks,
        "grid": {"color": _GRID},
    }


def number(count: int, link: str = "") -> TableCell:
    return TableCell(f"{count:,}", link, is_number=True)
