"""Makes the pictures of documents in the documentation: a statement, a receipt and a list.

    python -m tests.document_pictures          writes docs/images/statement-*.png and others

The contents are made up and fixed, so a picture changes only with its document.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO
from uuid import UUID
from zoneinfo import ZoneInfo

import pypdfium2

from core.pdf.lists import PrintedList, write_list
from core.temporary import temporary_file
from statements.documents.content import PrintedLine
from statements.documents.pdf import write_pdf
from statements.receipts.content import Receipt, ReceiptParty
from statements.receipts.pdf import write_receipt
from statements.tests.printed import END, START, content_of

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SCALE = 1.5
ZONE = ZoneInfo("UTC")
LONG = "Customer 88-2041, meter read on 2026-09-30, second part as agreed by telephone"
# Of each movement: type, text, description, amount (negative for a debit). As in the bank, other
# customers are numbers, and a reversal has no reason.
MOVEMENTS = (
    ("DEPOSIT", "Deposit", "Salary for September", "2650.00"),
    ("TRANSFER", "Transfer to 482910375614", "Harbour Properties, rent for October", "-980.00"),
    ("TRANSFER", "Transfer to 771204938812", "李小龍商店、お茶と本", "-42.80"),
    ("WITHDRAW", "Withdrawal", "", "-200.00"),
    ("TRANSFER", "Transfer from 100200300481", "شركة النور للتجارة، إيجار المخزن", "310.00"),
    ("TRANSFER", "Transfer to 618820417733", LONG, "-118.35"),
    ("REVERSAL", "Reversal from 618820417733", "", "118.35"),
)  # fmt: skip


def movements(count: int) -> list[PrintedLine]:
    balance, lines = Decimal("412.60"), []
    for index in range(count):
        kind, text, description, amount = MOVEMENTS[index % len(MOVEMENTS)]
        change = Decimal(amount)
        balance += change
        at = START + timedelta(hours=9 + index * 17)
        is_early = index % 9 == 8
        lines.append(
            PrintedLine(
                sequence=114 + index,
                transaction_id=UUID(int=index),
                kind=kind,
                posted_at=at,
                value_at=at - timedelta(days=6) if is_early else at,
                text=text,
                description=description,
                debit=-change if change < 0 else None,
                credit=change if change > 0 else None,
                balance_after=balance,
                reverses=UUID("019ab0d1-22f4-7c58-8000-51b7e6a90d3c")
                if kind == "REVERSAL"
                else None,
                has_earlier_value_date=is_early,
            )
        )
    return lines


def statement(file: IO[bytes]) -> None:
    content = content_of(
        movements(38),
        bank_name="Harbour Bank",
        account_number="482910377713",
        account_name="Grace Hopper, household",
        customer_name="Grace Hopper",
        number=10,
        opening_balance=Decimal("412.60"),
        overdraft_limit=Decimal("500.00"),
        previous_digest="cd" * 32,
    )
    write_pdf(content, file)


def receipt(file: IO[bytes]) -> None:
    paid = datetime(2026, 10, 5, 9, 31, tzinfo=UTC)
    write_receipt(
        Receipt(
            bank_name="Harbour Bank",
            transaction_id=UUID("019ab0d1-22f4-7c58-8000-51b7e6a90d3c"),
            kind="TRANSFER",
            text="Transfer",
            amount=Decimal("980.00"),
            currency="EUR",
            debited=ReceiptParty(
                account_id=UUID(int=1), number="482910377713", name="Grace Hopper, household"
            ),
            credited=ReceiptParty(account_id=UUID(int=2), number="482910375614", name=""),
            description="Harbour Properties, rent for October",
            completed_at=paid,
            effective_at=paid,
            reverses=None,
            reversed_by=None,
            time_zone=ZONE,
        ),
        file,
    )


def listed(file: IO[bytes]) -> None:
    printed = PrintedList(
        bank_name="Harbour Bank",
        title="Entries",
        made_at=END,
        facts=[("Account number", "482910377713")],
        header=["Posted at (UTC)", "Sequence", "Text", "Debit", "Credit", "Balance after"],
        figures=frozenset({3, 4, 5}),
    )
    rows = [
        [
            f"{line.posted_at:%Y-%m-%d %H:%M:%S}",
            str(line.sequence),
            line.text,
            f"{line.debit:,}" if line.debit else "",
            f"{line.credit:,}" if line.credit else "",
            f"{line.balance_after:,}",
        ]
        for line in reversed(movements(22))
    ]
    write_list(printed, rows, file)


def take(name: str, write: Callable[[IO[bytes]], None], pages: int) -> None:
    with temporary_file(partial(write)) as file:
        document = pypdfium2.PdfDocument(file.read())
    for index in range(pages):
        suffix = f"-{index + 1}" if pages > 1 else ""
        path = IMAGES / f"{name}{suffix}.png"
        document[index].render(scale=SCALE).to_pil().quantize(64).save(path, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1024:.0f} KB")


def main() -> None:
    take("statement", statement, 2)
    take("receipt", receipt, 1)
    take("list", listed, 1)


if __name__ == "__main__":
    main()
