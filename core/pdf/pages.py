"""A PDF under work: text, lines and pages, with tags for screen readers (ISO 32000-1, 14.8).

The same calls give the same bytes. Pages are compressed when they end, so that a document of
thousands of pages takes some kilobytes for each.
"""

import zlib
from datetime import datetime
from typing import IO

from reportlab.lib.pagesizes import A4, A5, landscape
from reportlab.pdfbase.pdfdoc import PDFName, PDFPage, PDFStream
from reportlab.pdfgen.canvas import Canvas

from core.pdf.faces import face
from core.pdf.tags import Tags
from core.pdf.text import drawn

PORTRAIT, LANDSCAPE, SMALL = A4, landscape(A4), A5
MARGIN = 36.0
DARK, GREY, ACCENT, LIGHT = "0.13 0.16 0.2", "0.38 0.42 0.47", "0.09 0.25 0.45", "0.93 0.95 0.97"
# A picture used on each page: the number of pages, which is known at the end.
_PAGES = "pages"


class Pages(Canvas):
    """Lengths are in points; the origin is the page's lower left corner.

    `role` is what the text is: "H1", "P", "TH", "TD"; empty for what is no content of the document,
    such as the number of the page. Of a document without `tagged` a reader gets plain text: tags
    take memory for each cell.
    """

    def __init__(
        self,
        file: IO[bytes],
        *,
        title: str,
        author: str,
        subject: str,
        made_at: datetime,
        size: tuple[float, float] = PORTRAIT,
        tagged: bool = True,
    ) -> None:
        super().__init__(
            file,
            pagesize=size,
            invariant=1,
            lang="en-GB",
            pageCompression=1,
            pdfVersion=(1, 7),
        )
        self.width, self.height = size
        self.setTitle(title)
        self.setAuthor(author)
        self.setSubject(subject)
        self.setCreator(author)
        self.setDateFormatter(lambda *_: f"D:{made_at:%Y%m%d%H%M%S}{_offset(made_at)}")
        self.setViewerPreference("DisplayDocTitle", "true")
        self.tags = Tags() if tagged else None

    def put(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        *,
        role: str = "",
        bold: bool = False,
        colour: str = DARK,
        align: str = "left",
        room: float = 0,
    ) -> None:
        """Draws one line of text. `x` is its left end, or its right end or middle by `align`.

        With `room`, letters become smaller until the line is at most that wide.
        """
        if not text:
            return
        line = drawn(text, bold=bold)
        if room and line.width * size > room:
            size = room / line.width
        left = x - line.width * size * {"left": 0, "right": 1, "middle": 0.5}[align]
        written = []
        for name, piece in line.pieces:
            font = face(name)
            for subset, codes in font.splitString(piece, self._doc):
                letters = font.getSubsetInternalName(subset, self._doc)
                written.append(f"{letters} {size:.2f} Tf ({self._escape(codes)}) Tj")
        code = f"BT {colour} rg 1 0 0 1 {left:.2f} {y:.2f} Tm {' '.join(written)} ET"
        if line.needs_words:  # What a reader copies or hears is the text as it was written.
            code = f"/Span <</ActualText <feff{text.encode('utf-16-be').hex()}>>> BDC {code} EMC"
        self._code.append(self._marked(role, code))

    def box(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        """A filled rectangle, as decoration."""
        self._code.append(
            self._marked("", f"{colour} rg {x:.2f} {y:.2f} {wide:.2f} {high:.2f} re f")
        )

    def rule(self, y: float, colour: str = GREY, *, weight: float = 0.5) -> None:
        """A line from margin to margin."""
        self.box(MARGIN, y - weight / 2, self.width - 2 * MARGIN, weight, colour)

    def squares(
        self, x: float, y: float, side: float, rows: list[list[bool]], *, alternative: str
    ) -> None:
        """A picture of black squares, from its lower left corner, with words in place of it."""
        step = side / len(rows)
        code = ["0 0 0 rg"]
        for index, row in enumerate(rows):
            top = y + side - (index + 1) * step
            code += [
                f"{x + place * step:.2f} {top:.2f} {step:.2f} {step:.2f} re"
                for place, is_dark in enumerate(row)
                if is_dark
            ]
        self._code.append(self._marked("Figure", " ".join([*code, "f"]), alternative))

    @property
    def operations(self) -> list[str]:
        """What the page under work draws, in the language of PDF."""
        return list(self._code)

    def foot(self, left: str) -> None:
        """The foot of a page: `left`, and "Page 2 of 7", whose end `save` writes."""
        y = MARGIN - 14
        right = self.width - MARGIN - 22
        self.put(MARGIN, y, left, 7, colour=GREY, room=right - 60 - MARGIN)
        self.put(right, y, f"Page {self.getPageNumber()} of", 7, colour=GREY, align="right")
        self._code.append("/Artifact BMC" if self.tags else "")
        self.doForm(_PAGES)
        self._code.append("EMC" if self.tags else "")

    def open(self, role: str) -> None:
        """What follows lies in a "Table" or a "TR", until `close`."""
        if self.tags:
            self.tags.open(role)

    def close(self) -> None:
        if self.tags:
            self.tags.close()

    def showPage(self) -> None:  # noqa: N802 - the name in reportlab
        """Ends the page."""
        super().showPage()
        page: PDFPage = self._doc.Pages.pages[-1]
        stream = PDFStream(content=zlib.compress(page.stream.encode("latin-1")))
        stream.dictionary["Filter"] = PDFName("FlateDecode")
        page.Contents, page.stream = stream, None
        if self.tags:
            self.tags.end_page(page)

    def save(self) -> None:
        """Writes the file. Call it after the last `showPage`."""
        pages = self.getPageNumber() - 1
        tags, self.tags = self.tags, None
        self.beginForm(_PAGES, 0, 0, self.width, self.height)
        self.put(self.width - MARGIN - 20, MARGIN - 14, str(pages), 7, colour=GREY)
        self.endForm()
        if tags:
            tags.write(self._doc)
        super().save()

    def _marked(self, role: str, code: str, alternative: str = "") -> str:
        if not self.tags:
            return code
        if not role:
            return f"/Artifact BMC {code} EMC"
        return f"/{role} <</MCID {self.tags.add(role, alternative)}>> BDC {code} EMC"


def _offset(moment: datetime) -> str:
    """The zone as PDF writes it: "+02'00'"."""
    offset = f"{moment:%z}" or "+0000"
    return f"{offset[:3]}'{offset[3:5]}'"
