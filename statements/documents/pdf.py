"""The statement as PDF, like the one of a good bank."""

from datetime import datetime
from decimal import Decimal
from typing import IO

from core.pdf.facts import put_facts
from core.pdf.pages import ACCENT, GREY, LIGHT, MARGIN, Pages
from core.pdf.qr import qr_code
from core.pdf.tables import CellText, PagedTable, TableColumn, note
from core.pdf.text import wrapped
from statements.documents.content import PrintedLine, StatementContent
from statements.documents.words import (
    day,
    heading_of,
    moment_in_words,
    period_in_words,
    shown,
)

# Structure for screen readers takes memory for each cell.
_TAGGED_AT_MOST = 2_000
_BOTTOM = MARGIN + 8
_MARK = "*"


def write_pdf(content: StatementContent, file: IO[bytes]) -> None:
    """Takes the memory of one page, and some kilobytes for each page before it."""
    _StatementPages(content, file).write()


class _StatementPages:
    """The pages under work, with the sums up to the last row."""

    def __init__(self, content: StatementContent, file: IO[bytes]) -> None:
        self.content = content
        self.title = f"{heading_of(content)}, account {content.account_number}"
        self.pages = Pages(
            file,
            title=self.title,
            author=content.bank_name,
            subject=f"{content.currency}, {period_in_words(content)}",
            made_at=content.issued_at.astimezone(content.time_zone),
            tagged=content.count <= _TAGGED_AT_MOST,
        )
        self.balance = content.opening_balance
        self.debits = self.credits = Decimal(0)
        self.has_earlier = False

    def write(self) -> None:
        table = PagedTable(
            self.pages,
            _columns(self.pages.width - 2 * MARGIN),
            top=self._first_page(),
            bottom=_BOTTOM,
            new_page=self._next_page,
            carried=lambda: self._sums("Carried forward"),
            brought=lambda: self._sums("Brought forward"),
        )
        table.header()
        table.sums(self._sums("Opening balance"))
        for index, line in enumerate(self.content.lines):
            # The row may turn the page, which carries the sums of the rows before it.
            self._row(table, line, shaded=bool(index % 2))
            self.balance = line.balance_after
            self.debits += line.debit or 0
            self.credits += line.credit or 0
            self.has_earlier |= line.has_earlier_value_date
        if not self.content.count:
            table.row([[], [], [note("No entries in this period.")], [], [], [], []])
        table.sums(self._sums("Closing balance"))
        table.end()
        self._end(table.y)
        self._foot()
        self.pages.showPage()
        self.pages.save()

    def _row(self, table: PagedTable, line: PrintedLine, *, shaded: bool) -> None:
        words = [CellText(line.text)]
        if line.description:
            words.append(note(line.description))
        if line.reverses:
            words.append(note(f"Reverses {line.reverses}"))
        if line.reversed_by:
            words.append(note(f"Reversed by {line.reversed_by}"))
        mark = _MARK if line.has_earlier_value_date else ""
        table.row(
            [
                [CellText(str(line.sequence), 7, colour=GREY)],
                [CellText(self._day(line.posted_at))],
                words,
                [CellText(f"{self._day(line.value_at)}{mark}", bold=bool(mark))],
                [CellText(self._amount(line.debit))] if line.debit is not None else [],
                [CellText(self._amount(line.credit))] if line.credit is not None else [],
                [CellText(self._amount(line.balance_after))],
            ],
            shaded=shaded,
        )

    def _sums(self, words: str) -> list[str]:
        sums = (self.debits, self.credits)
        shown = [self._amount(sum_) if sum_ else "" for sum_ in sums]
        return ["", "", words, "", *shown, self._amount(self.balance)]

    def _first_page(self) -> float:
        """Draws all that stands above the table. Returns where the table begins."""
        content, pages = self.content, self.pages
        top = pages.height - MARGIN
        pages.put(MARGIN, top - 16, content.bank_name, 18, role="P", bold=True, colour=ACCENT,
                  room=360)  # fmt: skip
        pages.put(MARGIN, top - 44, heading_of(content), 14, role="H1", bold=True)
        pages.put(MARGIN, top - 58, period_in_words(content), 9, role="P", colour=GREY)
        if content.check_url:
            self._check(pages.width - MARGIN - 74, top - 74)
        y = put_facts(pages, top - 88, _account_facts(content), room=320, most_lines=3)
        return self._summary(y - 8) - 14

    def _check(self, x: float, y: float) -> None:
        """The QR code of the address at which anyone may check the document."""
        address = self.content.check_url
        self.pages.squares(x, y, 74, qr_code(address), alternative=f"QR code of {address}")
        self.pages.put(x + 37, y - 8, "Check this document", 6.5, role="P", colour=GREY,
                       align="middle")  # fmt: skip

    def _summary(self, top: float) -> float:
        """The balances and sums in a band. Returns its lower edge."""
        content, pages = self.content, self.pages
        figures = [
            ("Opening balance", self._amount(content.opening_balance)),
            ("Debits", self._amount(content.total_debits)),
            ("Credits", self._amount(content.total_credits)),
            ("Closing balance", self._amount(content.closing_balance)),
        ]
        wide = (pages.width - 2 * MARGIN) / len(figures)
        high = 38.0
        pages.box(MARGIN, top - high, pages.width - 2 * MARGIN, high, LIGHT)
        for index, (words, amount) in enumerate(figures):
            x = MARGIN + index * wide + 8
            pages.put(x, top - 14, f"{words} ({content.currency})", 7, role="P", colour=GREY)
            pages.put(x, top - 29, amount, 11, role="P", bold=True, room=wide - 14)
        return top - high

    def _next_page(self) -> float:
        self._foot()
        self.pages.showPage()
        top = self.pages.height - MARGIN
        self.pages.put(MARGIN, top - 9, self.content.bank_name, 9, bold=True, colour=ACCENT,
                       room=200)  # fmt: skip
        self.pages.put(self.pages.width - MARGIN, top - 9, self.title, 8, colour=GREY,
                       align="right", room=300)  # fmt: skip
        return top - 20

    def _foot(self) -> None:
        digest = self.content.digest
        self.pages.foot(f"Digest {digest}" if digest else "Interim: not issued, for information.")

    def _end(self, y: float) -> None:
        """What is said below the table, on a page of its own if there is no room."""
        content = self.content
        texts = [
            f"{_MARK} The value date is on a day before the posting." if self.has_earlier else "",
            f"To check this document: {content.check_url}" if content.check_url else "",
            f"Digest of the statement before: {content.previous_digest}"
            if content.previous_digest
            else "",
            f"Newest seal of the ledger: {content.seal}" if content.seal else "",
        ]
        room = self.pages.width - 2 * MARGIN
        lines = [line for text in texts for line in wrapped(text, room, 7)]
        if y - 6 - 10 * len(lines) < _BOTTOM:
            y = self._next_page()
        for line in lines:
            y -= 10
            self.pages.put(MARGIN, y - 4, line, 7, role="P", colour=GREY)

    def _amount(self, amount: Decimal | None) -> str:
        return shown(amount or Decimal(0), self.content.exponent)

    def _day(self, moment: datetime) -> str:
        return day(moment, self.content.time_zone).isoformat()


def _account_facts(content: StatementContent) -> list[tuple[str, str]]:
    issued = moment_in_words(content.issued_at, content.time_zone)
    facts = [
        ("Customer", content.customer_name),
        ("Account", content.account_number),
        ("Name", content.account_name),
        ("Currency", content.currency),
        ("Entries", f"{content.count:,}"),
        ("Made at" if content.is_interim else "Issued at", issued),
    ]
    if content.overdraft_limit:
        facts.append(("Overdraft limit", shown(content.overdraft_limit, content.exponent)))
    if content.held:
        facts.append(("Held, not booked", shown(content.held, content.exponent)))
    return facts


def _columns(wide: float) -> list[TableColumn]:
    """The texts take what the others leave."""
    others = [
        TableColumn("Posted", 52),
        TableColumn("Value date", 54),
        TableColumn("Debit", 72, is_figure=True),
        TableColumn("Credit", 72, is_figure=True),
        TableColumn("Balance", 78, is_figure=True),
    ]
    number = TableColumn("No.", 34)
    text = TableColumn("Text", wide - number.width - sum(column.width for column in others))
    return [number, others[0], text, *others[1:]]
