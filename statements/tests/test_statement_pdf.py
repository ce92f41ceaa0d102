"""The statement as PDF: what a reader gets of it, page by page."""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pypdfium2
import pytest

from core.pdf.pages import PORTRAIT, Pages
from statements.documents.content import DocumentFormat, PrintedLine, StatementContent
from statements.documents.render import open_document
from statements.tests.printed import CHECK, ManyLines, content_of


def written(content: StatementContent) -> bytes:
    with open_document(content, DocumentFormat.PDF) as file:
        return file.read()


def pages_of(content: StatementContent) -> list[str]:
    """The text of each page, one line for each line that is drawn."""
    document = pypdfium2.PdfDocument(written(content))
    return [page.get_textpage().get_text_range().replace("\r\n", "\n") for page in document]


def plain(count: int, **changed: Any) -> Sequence[PrintedLine]:
    """Lines of one row each: a deposit of 10.00."""
    (line,) = ManyLines(1)
    line = replace(line, text="Deposit", description="", credit=Decimal("10.00"), **changed)
    return [
        replace(line, sequence=n, balance_after=Decimal("100.00") + 10 * n)
        for n in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [0, 1, 30, 1000])
def test_every_entry_stands_on_it_once(count: int) -> None:
    lines = plain(count)
    text = "\n".join(pages_of(content_of(lines)))
    for line in lines:
        row = f"{line.sequence} 2026-10-16 Deposit 2026-10-16 10.00 {line.balance_after:,}"
        assert len(re.findall(rf"^{re.escape(row)}$", text, re.MULTILINE)) == 1
    assert ("No entries in this period." in text) == (count == 0)


def test_pages_are_numbered_and_repeat_the_header() -> None:
    pages = pages_of(content_of(plain(200)))
    assert len(pages) > 3
    for number, page in enumerate(pages, 1):
        assert re.search(rf"Page {number} of\s+{len(pages)}\b", page)
        assert "No. Posted Text Value date Debit Credit Balance" in page


def test_each_page_carries_the_sums_to_the_next() -> None:
    """The sums at a page's foot are those of the rows up to it, and begin the next page."""
    pages = pages_of(content_of(plain(200)))
    for page, following in pairwise(pages):
        last = int(re.findall(r"^(\d+) 2026-10-16 Deposit", page, re.MULTILINE)[-1])
        sums = f"{10 * last:,}.00 {100 + 10 * last:,}.00"
        assert f"Carried forward {sums}" in page
        assert f"Brought forward {sums}" in following
        assert f"\n{last + 1} 2026-10-16 Deposit" in following
    assert "Carried forward" not in pages[-1]
    assert "Closing balance 2,000.00 2,100.00" in pages[-1]


def test_the_first_page_says_whose_statement_it_is() -> None:
    (page,) = pages_of(content_of(plain(1), overdraft_limit=Decimal(500)))
    for words in (
        "Bank of Examples", "Statement No. 3", "2026-10-01 to 2026-10-31 (UTC)",
        "Account 1000000471", "Name Household", "Currency EUR", "Entries 1",
        "Issued at 2026-11-01 01:00:00 UTC", "Overdraft limit 500.00", f"Digest {'ab' * 32}", CHECK,
    ):  # fmt: skip
        assert words in page


def test_an_interim_statement_says_so_and_cannot_be_checked() -> None:
    content = content_of(plain(1), number=None, digest="", check_url="")
    (page,) = pages_of(content)
    assert "Interim statement" in page
    assert "Interim: not issued" in page
    assert "Check" not in page


@pytest.mark.parametrize(
    ("currency", "shown"), [("JPY", "1,234"), ("EUR", "1,234.00"), ("BHD", "1,234.000")]
)
def test_amounts_have_the_digits_of_the_currency(currency: str, shown: str) -> None:
    content = content_of([], currency=currency, opening_balance=Decimal(1234))
    assert f"Opening balance {shown}" in pages_of(content)[0]


def test_an_overdraft_is_negative_and_nothing_is_minus_zero() -> None:
    assert "Opening balance -42.10" in pages_of(content_of([], opening_balance=Decimal("-42.1")))[0]
    assert "-0.00" not in pages_of(content_of([], opening_balance=Decimal("-0.00")))[0]


def test_reversals_and_earlier_value_dates_are_marked() -> None:
    (line,) = plain(1)
    other = line.transaction_id
    line = replace(line, reverses=other, reversed_by=other, has_earlier_value_date=True)
    (page,) = pages_of(content_of([line]))
    assert "2026-10-16*" in page
    assert "* The value date is on a day before the posting." in page
    assert re.search(rf"Reverses\s+{other}", page)
    assert re.search(rf"Reversed by\s+{other}", page)
    (page,) = pages_of(content_of(plain(1)))
    assert "*" not in page


@pytest.mark.parametrize(
    "text", ["李小龍商店", "ひらがなカタカナ", "대한민국", "Ωμέγα", "Жук", "Zoë Ærø ₺ €", "–“x”"]
)
def test_text_of_each_script_can_be_selected(text: str) -> None:
    (line,) = plain(1)
    (page,) = pages_of(content_of([replace(line, text=text)]))
    assert text in page


@pytest.mark.parametrize("text", ["محمد بن عبد الله", "דמי שכירות", "Rent إيجار"])
def test_text_from_right_to_left_can_be_selected(text: str) -> None:
    (line,) = plain(1)
    (page,) = pages_of(content_of([replace(line, text=text)]))
    assert text in page


@pytest.mark.parametrize("text", ["👍 ok", "ไทย"])
def test_a_character_without_a_glyph_is_told_as_written(text: str) -> None:
    (line,) = plain(1)
    pages = Pages(io.BytesIO(), title="", author="", subject="", made_at=line.posted_at)
    pages.put(0, 0, text, 8, role="P")
    (code,) = (code for code in pages.operations if "ActualText" in code)
    assert f"<feff{text.encode('utf-16-be').hex()}>" in code


def test_a_text_longer_than_a_page_is_cut_and_the_amounts_stay() -> None:
    (line,) = plain(1)
    content = content_of([replace(line, description="word " * 2000)])
    (page,) = pages_of(content)
    assert "…" in page
    assert "Closing balance 10.00 110.00" in page


def test_nothing_leaves_its_column() -> None:
    """The widest amounts and words: letters become smaller, words are parted."""
    (line,) = ManyLines(1)
    most = Decimal("99999999999999.99")
    long = replace(line, text="W" * 300, credit=most, balance_after=most)
    content = content_of([long], opening_balance=Decimal("0.00"), bank_name="W" * 100)
    page = pypdfium2.PdfDocument(written(content))[0]
    text = page.get_textpage()
    boxes = [text.get_charbox(index) for index in range(text.count_chars())]
    assert min(box[0] for box in boxes if box[2] > box[0]) >= 35
    assert max(box[2] for box in boxes) <= PORTRAIT[0] - 35
    assert "99,999,999,999,999.99" in text.get_text_range()


@pytest.mark.parametrize("file_format", DocumentFormat)
def test_the_same_content_gives_the_same_bytes(file_format: DocumentFormat) -> None:
    documents = []
    for _ in range(2):
        with open_document(content_of(ManyLines(40)), file_format) as file:
            documents.append(file.read())
    assert documents[0] == documents[1]


def test_the_document_has_a_language_a_title_and_tags() -> None:
    document = written(content_of(ManyLines(3)))
    assert pypdfium2.PdfDocument(document).get_metadata_dict()["Title"] == (
        "Statement No. 3, account 1000000471"
    )
    for words in (
        b"/Lang (en-GB)", b"/DisplayDocTitle true", b"/StructTreeRoot", b"/Marked true",
        b"/S /H1", b"/S /Table", b"/S /TR", b"/S /TH", b"/S /TD", b"/S /Figure",
        b"D:20261101010000+00'00'",
    ):  # fmt: skip
        assert words in document
    assert b"QR code of".decode().encode("utf-16-be").hex().encode() in document


def test_a_page_tree_of_many_pages_is_well_formed() -> None:
    pages = pages_of(content_of(plain(3000)))
    assert len(pages) > 50
    assert "Closing balance 30,000.00 30,100.00" in pages[-1]
