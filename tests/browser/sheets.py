"""The contents of files that a page offers for download."""

import csv
import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

from playwright.sync_api import Download


def read_sheet(saved: Download) -> list[list[str]]:
    """The rows of a CSV or XLSX file, as texts."""
    path = Path(saved.path())
    return read_csv(path) if saved.suggested_filename.endswith(".csv") else read_xlsx(path)


def read_csv(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


def read_xlsx(path: Path) -> list[list[str]]:
    """The texts of the first sheet's table; an empty cell is "" (ECMA-376, part 1, 18.3).

    The table begins with its header, the last row that stays in view; a heading stands above.
    """
    with zipfile.ZipFile(path) as book:
        names = book.namelist()
        texts: list[str] = []
        if "xl/sharedStrings.xml" in names:
            strings = ET.fromstring(book.read("xl/sharedStrings.xml"))  # noqa: S314 - our own file
            texts = ["".join(one.itertext()) for one in strings.iterfind("{*}si")]
        sheet = ET.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own file
    table = []
    pane = sheet.find(".//{*}pane")
    header = 1 if pane is None else int(pane.get("ySplit", "1"))
    for row in sheet.iterfind(".//{*}row"):
        if int(row.get("r", "1")) < header:
            continue
        cells = [""] * 26
        for cell in row.iterfind("{*}c"):
            text = "".join(cell.itertext())
            column = ord(cell.get("r", "A")[0]) - ord("A")
            cells[column] = texts[int(text)] if cell.get("t") == "s" else text
        table.append(cells)
    return table
