"""The part of Markdown that docs/console.md uses, as HTML. Pictures are left out."""

import re
from collections.abc import Iterable

from django.utils.html import escape

_BLOCK = re.compile(r"\n{2,}")
_HEADING = re.compile(r"(#{1,4}) (.+)")
_ITEM = re.compile(r"^(?:- |\d+\. )", re.MULTILINE)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_INLINE = (
    (re.compile(r"`([^`]+)`"), r"<code>\1</code>"),
    (re.compile(r"\*\*([^*]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"\*([^*]+)\*"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]]+)\]\((#[^)]+)\)"), r'<a class="text-link underline" href="\2">\1</a>'),
    # Other documents are not served.
    (re.compile(r"\[([^\]]+)\]\([^)]+\)"), r"\1"),
)


def html_of(text: str) -> str:
    """Headings with the anchors that GitHub gives them, paragraphs, lists and tables.

    A table is named after the heading above it, for screen readers.
    """
    blocks, heading = [], ""
    for block in _BLOCK.split(_PICTURE.sub("", text).strip()):
        if found := _HEADING.fullmatch(block.strip()):
            heading = found[2]
        blocks.append(_block(block, heading))
    return "\n".join(filter(None, blocks))


def anchor_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def _block(block: str, above: str) -> str:
    block = block.strip("\n")
    if heading := _HEADING.fullmatch(block.strip()):
        level, words = len(heading[1]), heading[2]
        return f'<h{level} id="{anchor_of(words)}">{_inline(words)}</h{level}>'
    if block.startswith("|"):
        return _table(block.splitlines(), above)
    if _ITEM.match(block):
        kind = "ol" if block[0].isdigit() else "ul"
        items = (f"<li>{_inline(item)}</li>" for item in _ITEM.split(block) if item.strip())
        return f"<{kind}>{''.join(items)}</{kind}>"
    return f"<p>{_inline(block)}</p>" if block.strip() else ""


def _table(lines: Iterable[str], name: str) -> str:
    rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    rows = [row for row in rows if not all(set(cell) <= set("-|: ") and cell for cell in row)]
    if not any(any(cell for cell in row) for row in rows):
        return ""
    head, *body = rows
    lines_of_body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in body)
    return (
        f'<div class="bank-scroll" tabindex="0" role="region" aria-label="{escape(name)}, table">'
        f'<table class="bank-table"><thead><tr>{_cells("th", head)}</tr></thead>'
        f"<tbody>{lines_of_body}</tbody></table></div>"
    )


def _cells(tag: str, row: list[str]) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return "".join(f"<{tag}{scope}>{_inline(cell)}</{tag}>" for cell in row)


def _inline(text: str) -> str:
    words: str = escape(" ".join(text.split()))
    for pattern, html in _INLINE:
        words = pattern.sub(html, words)
    return words
