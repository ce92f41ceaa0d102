"""Charts that the server draws as SVG: bars that stand on each other, and steps.

A drawing stretches to its card, so it has no text: that stands around it as HTML, at the same size
on every screen and on paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bankproject.console.parts import Table

# The drawing's own units; the page stretches it.
_HEIGHT = 1000
_STEP = 100
_GAP = 12  # on each side of a bar


@dataclass(frozen=True, slots=True)
class Rectangle:
    """In the drawing's units, as text: a template would write numbers in the user's language."""

    x: str
    y: str
    width: str
    height: str
    colour: str


@dataclass(frozen=True, slots=True)
class Stair:
    """Points of a line that is level over each interval."""

    points: str
    colour: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart with its labels. `table` has the same numbers; `summary` says what is drawn."""

    title: str
    summary: str
    legend: list[tuple[str, str]]
    across: list[str]
    up: list[str]
    width: int
    table: Table
    rectangles: list[Rectangle] = field(default_factory=list)
    lines: list[Stair] = field(default_factory=list)

    @property
    def view_box(self) -> str:
        return f"0 0 {self.width} {_HEIGHT}"

    @property
    def grid(self) -> str:
        """A path of three level lines: at the top, in the middle and below."""
        return "".join(f"M0 {y}H{self.width}" for y in (0, _HEIGHT // 2, _HEIGHT))


def bars(
    title: str,
    *,
    labels: Sequence[str],
    series: Mapping[str, Sequence[int]],
    colours: Mapping[str, str],
    up: Sequence[str],
    top: int,
    summary: str,
    table: Table,
) -> Drawing:
    """Whole numbers as bars; `top` is the number at the upper edge, above zero."""
    rectangles = []
    for place in range(len(labels)):
        below = 0
        for name, values in series.items():
            if value := values[place]:
                height = value * _HEIGHT / top
                y = _HEIGHT - below * _HEIGHT / top - height
                rectangles.append(
                    Rectangle(
                        f"{place * _STEP + _GAP}",
                        f"{y:.2f}",
                        f"{_STEP - 2 * _GAP}",
                        f"{height:.2f}",
                        colours[name],
                    )
                )
                below += value
    return Drawing(
        title=title,
        summary=summary,
        legend=[(name, colours[name]) for name in series] if len(series) > 1 else [],
        across=_some(labels),
        up=list(up),
        width=_STEP * len(labels),
        table=table,
        rectangles=rectangles,
    )


def steps(
    title: str,
    *,
    labels: Sequence[str],
    series: Mapping[str, Sequence[int | None]],
    colours: Mapping[str, str],
    up: Sequence[str],
    top: int,
    summary: str,
    table: Table,
) -> Drawing:
    """Whole numbers as level steps, with a gap where there is none."""
    lines = [
        Stair(points, colours[name])
        for name, values in series.items()
        for points in _runs(values, top)
    ]
    return Drawing(
        title=title,
        summary=summary,
        legend=[(name, colours[name]) for name in series],
        across=_some(labels),
        up=list(up),
        width=_STEP * len(labels),
        table=table,
        lines=lines,
    )


def _runs(values: Sequence[int | None], top: int) -> list[str]:
    """The points of each stretch without a gap."""
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        y = f"{_HEIGHT - value * _HEIGHT / top:.2f}"
        runs[-1] += [f"{place * _STEP},{y}", f"{(place + 1) * _STEP},{y}"]
    return [" ".join(run) for run in runs if run]


def _some(labels: Sequence[str]) -> list[str]:
    """The first, the middle and the last label, as many as there are."""
    places = sorted({0, (len(labels) - 1) // 2, len(labels) - 1}) if labels else []
    return [labels[place] for place in places]


def rounded_up(most: int) -> int:
    """A round number at or above `most`, and above zero: one or two digits and zeros, even."""
    size = 10 ** max(0, len(str(most)) - 2)
    top = -(-max(most, 1) // size) * size
    return top + top % 2
