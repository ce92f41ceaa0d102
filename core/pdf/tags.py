"""The structure of a PDF: which text is a heading, a cell, a row (ISO 32000-1, 14.7 and 14.8)."""

from dataclasses import dataclass, field
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFName, PDFObject, PDFPage


@dataclass(slots=True)
class _Node:
    """`kids` are nodes, or one pair of a page and the number of a marked content on it."""

    role: str
    parent: "_Node | None"
    alternative: str = ""
    kids: list[Any] = field(default_factory=list)
    reference: str = ""


class _Written(PDFObject):
    """An object of the file whose text is known when the file is written."""

    __RefOnly__ = 1

    def __init__(self, text: str = "") -> None:
        self.text = text

    def format(self, document: Any) -> bytes:
        return self.text.encode("latin-1")


class Tags:
    """Collects the structure while pages are drawn, and writes it at the end."""

    def __init__(self) -> None:
        self._root = _Node("Document", None)
        self._current = self._root
        self._page = 0
        # The node of each marked content, by page.
        self._marked: list[list[_Node]] = [[]]

    def open(self, role: str) -> None:
        node = _Node(role, self._current)
        self._current.kids.append(node)
        self._current = node

    def close(self) -> None:
        assert self._current.parent is not None, "Nothing is open."
        self._current = self._current.parent

    def add(self, role: str, alternative: str = "") -> int:
        """Adds a leaf under what is open. Returns the number of its content on the page."""
        number = len(self._marked[-1])
        node = _Node(role, self._current, alternative, [(self._page, number)])
        self._current.kids.append(node)
        self._marked[-1].append(node)
        return number

    def end_page(self, page: PDFPage) -> None:
        page.__NoDefault__ = [*page.__NoDefault__, "StructParents", "Tabs"]
        page.StructParents, page.Tabs = self._page, PDFName("S")
        self._page += 1
        self._marked.append([])

    def write(self, document: Any) -> None:
        """Adds the structure to reportlab's document."""
        numbers = document.idToObjectNumberAndVersion
        pages = [f"{numbers[f'Page{page + 1}'][0]} 0 R" for page in range(self._page)]
        root, places = _Written(), _Written()
        document.Reference(root, "StructTreeRoot")
        document.Reference(places, "ParentTree")
        nodes = self._in_order()
        objects = []
        for index, node in enumerate(nodes):
            written = _Written()
            document.Reference(written, f"Struct{index}")
            node.reference = f"{numbers[f'Struct{index}'][0]} 0 R"
            objects.append(written)
        tree = f"{numbers['StructTreeRoot'][0]} 0 R"
        for node, written in zip(nodes, objects, strict=True):
            written.text = _element(node, tree, pages)
        by_page = " ".join(
            f"{page} [{' '.join(node.reference for node in marked)}]"
            for page, marked in enumerate(self._marked[: self._page])
        )
        places.text = f"<</Nums [{by_page}]>>"
        root.text = (
            f"<</Type /StructTreeRoot /K {self._root.reference}"
            f" /ParentTree {numbers['ParentTree'][0]} 0 R /ParentTreeNextKey {self._page}>>"
        )
        document.Catalog.StructTreeRoot = root
        document.Catalog.MarkInfo = _Written("<</Marked true>>")

    def _in_order(self) -> list[_Node]:
        found, waiting = [], [self._root]
        while waiting:
            node = waiting.pop()
            found.append(node)
            waiting += [kid for kid in reversed(node.kids) if isinstance(kid, _Node)]
        return found


def _element(node: _Node, tree: str, pages: list[str]) -> str:
    parent = node.parent.reference if node.parent else tree
    if node.kids and not isinstance(node.kids[0], _Node):
        ((page, number),) = node.kids
        kids = f"{number} /Pg {pages[page]}"
    else:
        kids = f"[{' '.join(kid.reference for kid in node.kids)}]"
    words = ""
    if node.alternative:
        words = f" /Alt <feff{node.alternative.encode('utf-16-be').hex()}>"
    if node.role == "TH":
        words += " /A <</O /Table /Scope /Column>>"
    return f"<</S /{node.role} /P {parent} /K {kids}{words}>>"
