"""The statement as a table: CSV and XLSX, for spreadsheets."""

from collections.abc import Iterator
from typing import IO

from django.utils import timezone

from core.console.sheets import (
    SheetCell,
    SheetHeading,
    SheetRow,
    csv_lines,
    require_room_in_sheet,
    xlsx_file,
)
from statements.documents.content import PrintedLine, StatementContent
from statements.documents.words import heading_of, period_in_words

_COLUMNS = (
    "Type", "Text", "Description", "Debit", "Credit", "Balance after", "Currency", "Other account",
    "Other account name", "Earlier value date", "Reverses", "Reversed by", "Sequence",
    "Transaction",
)  # fmt: skip


def write_csv(content: StatementContent, file: IO[bytes]) -> None:
    """The lines by RFC 4180, with times in UTC. Debits and credits have a column each."""
    for line in csv_lines(_header("UTC"), _rows(content)):
        file.write(line.encode())


def open_xlsx(content: StatementContent) -> IO[bytes]:
    """A temporary file at its start. Times are in the statement's time zone.

    Raises InvalidInput if a sheet has no room for the entries.
    """
    facts: list[tuple[str, SheetCell]] = [
        ("Bank", content.bank_name),
        ("Customer", content.customer_name),
        ("Account", content.account_number),
        ("Name", content.account_name),
        ("Currency", content.currency),
        ("Period", period_in_words(content)),
        ("Opening balance", content.opening_balance),
        ("Debits", content.total_debits),
        ("Credits", content.total_credits),
        ("Closing balance", content.closing_balance),
        ("Entries", content.count),
    ]
    if content.overdraft_limit:
        facts.append(("Overdraft limit", content.overdraft_limit))
    if content.held:
        facts.append(("Held, not booked", content.held))
    if content.digest:
        facts += [("Digest", content.digest), ("Check at", content.check_url)]
    heading = SheetHeading(heading_of(content), content.issued_at, facts)
    require_room_in_sheet(content.count, heading)
    with timezone.override(content.time_zone):
        return xlsx_file(_header(content.time_zone.key), _rows(content), heading)


def _header(zone: str) -> SheetRow:
    return (f"Posted at ({zone})", f"Value date ({zone})", *_COLUMNS)


def _rows(content: StatementContent) -> Iterator[SheetRow]:
    for line in content.lines:
        yield _row(line, content.currency)


def _row(line: PrintedLine, currency: str) -> SheetRow:
    return (
        line.posted_at,
        line.value_at,
        line.kind,
        line.text,
        line.description,
        line.debit,
        line.credit,
        line.balance_after,
        currency,
        line.counterparty_number,
        line.counterparty_name,
        "Yes" if line.has_earlier_value_date else None,
        str(line.reverses) if line.reverses else None,
        str(line.reversed_by) if line.reversed_by else None,
        line.sequence,
        str(line.transaction_id),
    )
