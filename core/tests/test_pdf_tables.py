"""Tables over pages: no page has sums alone, and no value is cut without a sign."""

import io
import random
from datetime import UTC, datetime

import pytest
from pypdfium2 import PdfDocument

from core.pdf.facts import put_facts
from core.pdf.pages import MARGIN, PORTRAIT, Pages
from core.pdf.tables import CellText, PagedTable, TableColumn

COLUMNS = [TableColumn("Text", 300), TableColumn("Amount", 120, is_figure=True)]
BOTTOM = MARGIN + 6


def new_pages(file: io.BytesIO) -> Pages:
    return Pages(
        file,
        title="Table",
        author="Bank",
        subject="",
        made_at=datetime(2026, 1, 1, tzinfo=UTC),
        size=PORTRAIT,
        tagged=False,
    )


def text_of(file: io.BytesIO) -> list[str]:
    return [page.get_textpage().get_text_range() for page in PdfDocument(file.getvalue())]


@pytest.mark.parametrize("seed", range(40))
def test_every_page_with_sums_has_rows_too(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - heights of a test
    file = io.BytesIO()
    pages = new_pages(file)

    def new_page() -> float:
        pages.showPage()
        return chance.uniform(300, 700)

    table = PagedTable(
        pages,
        COLUMNS,
        top=600,
        bottom=BOTTOM,
        new_page=new_page,
        carried=lambda: ["Carried", "1.00"],
        brought=lambda: ["Brought", "1.00"],
    )
    table.header()
    for number in range(300):
        size = chance.uniform(6.5, 9)
        lines = [CellText("A row", size)] * chance.randint(1, 4)
        table.row([lines, [CellText(f"{number}", 8)]])
        assert table.y >= BOTTOM + 8 * 1.28 + 4  # There is room for the sums.
    table.end()
    pages.showPage()
    pages.save()
    found = text_of(file)
    assert len(found) > 5
    for index, text in enumerate(found):
        assert "A row" in text
        assert text.count("Carried") == (index < len(found) - 1)
        assert text.count("Brought") == (index > 0)


def test_a_value_that_is_cut_ends_with_an_ellipsis() -> None:
    file = io.BytesIO()
    pages = new_pages(file)
    facts = [("Cut", "many words " * 40), ("Whole", "short")]
    put_facts(pages, 700, facts, room=200, most_lines=2)
    pages.showPage()
    pages.save()
    lines = text_of(file)[0].splitlines()
    assert [line.endswith("…") for line in lines] == [False, True, False]
    assert lines[2] == "Whole short"
