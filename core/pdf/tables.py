"""Tables that go over pages: the header is repeated, and no row is parted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from core.pdf.pages import ACCENT, DARK, GREY, LIGHT, MARGIN, Pages
from core.pdf.text import wrapped

_GAP = 5.0
_LEADING = 1.28
_MOST_LINES = 40
# The space within a row above and below its text, and the height of a row of one line.
_PADDING = 4.0
_LEAST_HIGH = 8 * _LEADING + _PADDING


class TableColumn(NamedTuple):
    """`width` is in points. Figures stand to the right, and become smaller where they are long."""

    title: str
    width: float
    is_figure: bool = False


@dataclass(frozen=True, slots=True)
class CellText:
    """A text of a cell, in lines as wide as its column."""

    text: str
    size: float = 8
    bold: bool = False
    colour: str = DARK


class PagedTable:
    """Draws rows down the page. Begin with `header`, end with `end`.

    `new_page` ends the page and draws the head of the next one; it returns where the table goes on.
    `carried` and `brought` give the cells of the rows at the foot of a page and at the top of the
    next one, if there are such rows.
    """

    def __init__(
        self,
        pages: Pages,
        columns: Sequence[TableColumn],
        *,
        top: float,
        bottom: float,
        new_page: Callable[[], float],
        carried: Callable[[], Sequence[str]] | None = None,
        brought: Callable[[], Sequence[str]] | None = None,
    ) -> None:
        self.pages = pages
        self.columns = columns
        self.y = top
        self.bottom = bottom
        self._new_page, self._carried, self._brought = new_page, carried, brought
        self._is_open = False

    def header(self) -> None:
        """Also begins the part of the table on this page."""
        self.pages.open("Table")
        self._is_open = True
        high = 15.0
        self.y -= high
        wide = self.pages.width - 2 * MARGIN
        self.pages.box(MARGIN, self.y, wide, high, ACCENT)
        self._cells(
            [[CellText(column.title, 7.5, True, "1 1 1")] for column in self.columns],
            self.y + 4.5,
            "TH",
        )

    def row(self, cells: Sequence[Sequence[CellText]], *, shaded: bool = False) -> None:
        """Draws the row, on the next page if it has no room on this one."""
        lines = [
            _lines(cell, column.width - _GAP) if not column.is_figure else list(cell)
            for cell, column in zip(cells, self.columns, strict=True)
        ]
        high = max([_high(cell) for cell in lines] + [_LEAST_HIGH - _PADDING]) + _PADDING
        reserve = _LEAST_HIGH if self._carried else 0.0
        if self.y - high - reserve < self.bottom:
            self._turn()
        if shaded:
            self.pages.box(MARGIN, self.y - high, self.pages.width - 2 * MARGIN, high, LIGHT)
        first = max((cell[0].size for cell in lines if cell), default=8)
        self._cells(lines, self.y - 2 - first, "TD")
        self.y -= high
        self.pages.rule(self.y, "0.82 0.85 0.88", weight=0.4)

    def sums(self, texts: Sequence[str]) -> None:
        """A row in bold type."""
        self.row([[CellText(text, bold=True)] if text else [] for text in texts], shaded=True)

    def end(self) -> None:
        if self._is_open:
            self.pages.close()
            self._is_open = False

    def _turn(self) -> None:
        carried, self._carried = self._carried, None  # The room for this row is kept.
        if carried:
            self.sums(carried())
        self.end()
        self.y = self._new_page()
        self.header()
        if self._brought:
            self.sums(self._brought())
        self._carried = carried

    def _cells(self, cells: Sequence[Sequence[CellText]], y: float, role: str) -> None:
        self.pages.open("TR")
        left = MARGIN
        for cell, column in zip(cells, self.columns, strict=True):
            at = y
            for line in cell:
                self.pages.put(
                    left + (column.width - _GAP / 2 if column.is_figure else _GAP / 2),
                    at,
                    line.text,
                    line.size,
                    role=role,
                    bold=line.bold,
                    colour=line.colour,
                    align="right" if column.is_figure else "left",
                    room=column.width - _GAP if column.is_figure or role == "TH" else 0,
                )
                at -= line.size * _LEADING
            left += column.width
        self.pages.close()


def note(text: str) -> CellText:
    """A text below the main one of a cell."""
    return CellText(text, 7, colour=GREY)


def _lines(cell: Sequence[CellText], room: float) -> list[CellText]:
    found = [
        CellText(line, text.size, text.bold, text.colour)
        for text in cell
        for line in wrapped(text.text, room, text.size)
    ]
    if len(found) > _MOST_LINES:
        found[_MOST_LINES - 1 :] = [note("…")]
    return found


def _high(lines: Sequence[CellText]) -> float:
    return sum(line.size for line in lines) * _LEADING
