"""The rows of a file with what became of each, or would: for pages and downloads."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from decimal import Decimal

from core.money import format_amount
from transactions.commands import MoneyCommand
from transactions.ledger.journal import JournalRow
from transactions.models import Transaction
from transactions.reads.representation import balance_after, failure


@dataclass(frozen=True, slots=True)
class FileRow:
    """A movement of a file, as texts. Empty where there is none.

    `line` is its first line in the file. `status` is that of its transaction, which a dry run has
    none of: it has only the id of what an earlier request has made, `replayed`.
    """

    line: int
    type: str
    account_id: str
    target_account_id: str
    amount: str
    currency: str
    description: str
    status: str = ""
    balance_after: str = ""
    failure_code: str = ""
    failure_detail: str = ""
    replayed: bool = False
    transaction_id: str = ""
    reversed_by: str = ""

    def cells(self) -> list[str | int | Decimal | None]:
        """All but the last two, for a table: amounts as numbers."""
        return [
            self.line,
            self.type,
            self.account_id,
            self.target_account_id or None,
            Decimal(self.amount),
            self.currency,
            self.description,
            self.status,
            Decimal(self.balance_after) if self.balance_after else None,
            self.failure_code,
            self.failure_detail,
            "yes" if self.replayed else None,
        ]


def row_of(
    line: int,
    command: MoneyCommand,
    row: JournalRow | Transaction | None,
    *,
    currency: str,
    replayed: bool = False,
    transaction_id: str = "",
    reversed_by: str = "",
) -> FileRow:
    """The row of a command and of its transaction, if there is one."""
    target = getattr(command, "target_account_id", None)
    failed = (failure(row) if row else None) or {"code": "", "detail": ""}
    return FileRow(
        line=line,
        type=str(command.type),
        account_id=str(command.account_id),
        target_account_id=str(target) if target else "",
        amount=format_amount(command.amount, currency),
        currency=currency,
        description=command.description,
        status=str(row.status) if row else "",
        balance_after=(balance_after(row) or "") if row else "",
        failure_code=failed["code"],
        failure_detail=failed["detail"],
        replayed=replayed,
        transaction_id=transaction_id,
        reversed_by=reversed_by,
    )


def packed(rows: Iterable[FileRow]) -> bytes:
    """The rows, to be stored."""
    return zlib.compress(json.dumps([list(asdict(row).values()) for row in rows]).encode())


def unpacked(stored: bytes) -> list[FileRow]:
    return [FileRow(*values) for values in json.loads(zlib.decompress(stored))]
