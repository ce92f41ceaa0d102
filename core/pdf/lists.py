"""A list as PDF: rows of texts on landscape pages, with what was asked for above them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import IO

from core.pdf.facts import put_facts
from core.pdf.pages import ACCENT, GREY, LANDSCAPE, MARGIN, Pages
from core.pdf.tables import CellText, PagedTable, TableColumn
from core.pdf.text import width

_SIZE = 7.0
_BOTTOM = MARGIN + 6
# Columns get their widths from the header and so many rows.
_LOOKED_AT = 200
_NARROWEST, _WIDEST = 28.0, 190.0
_TAGGED_AT_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedList:
    """`facts` are names with values; `figures` are the indices of columns with numbers."""

    bank_name: str
    title: str
    made_at: datetime
    facts: Sequence[tuple[str, str]]
    header: Sequence[str]
    figures: frozenset[int]


def write_list(printed: PrintedList, rows: Iterable[Sequence[str]], file: IO[bytes]) -> None:
    """Takes the memory of some hundred rows, and some kilobytes for each page."""
    waiting = iter(rows)
    first = list(islice(waiting, _TAGGED_AT_MOST + 1))
    pages = Pages(
        file,
        title=printed.title,
        author=printed.bank_name,
        subject=", ".join(f"{name}: {value}" for name, value in printed.facts),
        made_at=printed.made_at,
        size=LANDSCAPE,
        tagged=len(first) <= _TAGGED_AT_MOST,
    )
    table = PagedTable(
        pages,
        _columns(printed, first[:_LOOKED_AT], pages.width - 2 * MARGIN),
        top=_first_page(pages, printed),
        bottom=_BOTTOM,
        new_page=lambda: _next_page(pages, printed),
    )
    table.header()
    for index, cells in enumerate(_shown(chain(first, waiting))):
        table.row(cells, shaded=bool(index % 2))
    if not first:
        nothing = [CellText("Nothing.", _SIZE, colour=GREY)]
        table.row([nothing, *([] for _ in printed.header[1:])])
    table.end()
    pages.foot(printed.title)
    pages.showPage()
    pages.save()


def _shown(rows: Iterable[Sequence[str]]) -> Iterator[list[list[CellText]]]:
    for row in rows:
        yield [[CellText(text, _SIZE)] if text else [] for text in row]


def _first_page(pages: Pages, printed: PrintedList) -> float:
    top = pages.height - MARGIN
    pages.put(MARGIN, top - 10, printed.bank_name, 10, role="P", bold=True, colour=ACCENT,
              room=300)  # fmt: skip
    pages.put(MARGIN, top - 30, printed.title, 14, role="H1", bold=True)
    made = ("Made at", f"{printed.made_at:%Y-%m-%d %H:%M:%S %Z}")
    return put_facts(pages, top - 48, [made, *printed.facts], room=500, most_lines=2)


def _next_page(pages: Pages, printed: PrintedList) -> float:
    pages.foot(printed.title)
    pages.showPage()
    return pages.height - MARGIN


def _columns(printed: PrintedList, rows: Sequence[Sequence[str]], room: float) -> list[TableColumn]:
    """As wide as their texts, if there is room: else the wide ones give up the most."""
    wanted = []
    for index, title in enumerate(printed.header):
        texts = (row[index] for row in rows)
        widest = max((width(text, _SIZE) for text in texts), default=0)
        wanted.append(min(max(widest, width(title, 7.5, bold=True)) + 8, _WIDEST))
    widths = _fitted(wanted, room)
    return [
        TableColumn(title, wide, index in printed.figures)
        for index, (title, wide) in enumerate(zip(printed.header, widths, strict=True))
    ]


def _fitted(wanted: Sequence[float], room: float) -> list[float]:
    """Widths that add up to the room. Where it is too small, no column is above the one bound."""
    if (total := sum(wanted)) <= room:
        return [wide + (room - total) / len(wanted) for wide in wanted]
    low, high = _NARROWEST, max(wanted)
    for _ in range(40):  # Halves the range each time: to less than a millionth of a point.
        middle = (low + high) / 2
        low, high = (
            (low, middle) if sum(min(wide, middle) for wide in wanted) > room else (middle, high)
        )
    return [min(wide, low) for wide in wanted]
