"""The receipt as PDF: one page to print."""

from typing import IO

from core.currencies import minor_units
from core.pdf.facts import put_facts
from core.pdf.pages import ACCENT, GREY, LIGHT, MARGIN, SMALL, Pages
from statements.documents.words import day, moment_in_words, shown
from statements.receipts.content import Receipt

_CASH = "Cash"


def write_receipt(receipt: Receipt, file: IO[bytes]) -> None:
    """The same receipt gives the same bytes."""
    pages = Pages(
        file,
        title=f"Receipt {receipt.transaction_id}",
        author=receipt.bank_name,
        subject=receipt.text,
        made_at=receipt.completed_at.astimezone(receipt.time_zone),
        size=SMALL,
    )
    wide = pages.width - 2 * MARGIN
    top = pages.height - MARGIN
    pages.put(MARGIN, top - 14, receipt.bank_name, 15, role="P", bold=True, colour=ACCENT,
              room=wide)  # fmt: skip
    pages.put(MARGIN, top - 42, "Receipt", 14, role="H1", bold=True)
    pages.box(MARGIN, top - 108, wide, 50, LIGHT)
    pages.put(MARGIN + 10, top - 75, receipt.text, 9, role="P", colour=GREY)
    amount = f"{shown(receipt.amount, minor_units(receipt.currency))} {receipt.currency}"
    pages.put(MARGIN + 10, top - 97, amount, 18, role="P", bold=True, room=wide - 20)
    put_facts(pages, top - 132, _facts(receipt), room=wide - 90, most_lines=12)
    pages.foot("All amounts and times are those of the bank's books.")
    pages.showPage()
    pages.save()


def _balances(receipt: Receipt) -> list[str]:
    """Of each account that the reader may know; where there are two, with its number."""
    told = [
        (party.number, party.balance_after)
        for party in (receipt.debited, receipt.credited)
        if party is not None and party.balance_after is not None
    ]
    digits, currency = minor_units(receipt.currency), receipt.currency
    return [
        f"{shown(after, digits)} {currency}{f', account {number}' if len(told) > 1 else ''}"
        for number, after in told
    ]


def _facts(receipt: Receipt) -> list[tuple[str, str]]:
    zone = receipt.time_zone
    return [
        ("From", str(receipt.debited or _CASH)),
        ("To", str(receipt.credited or _CASH)),
        ("Description", receipt.description),
        *(("New balance", words) for words in _balances(receipt)),
        ("Posted at", moment_in_words(receipt.completed_at, zone)),
        ("Posted by", receipt.posted_by),
        ("Value date", day(receipt.effective_at, zone).isoformat()),
        ("Transaction", str(receipt.transaction_id)),
        ("Reverses", str(receipt.reverses or "")),
        ("Reversed by", str(receipt.reversed_by or "")),
    ]
