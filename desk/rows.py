"""The rows of a file with what became of each, or would: for pages, the API and downloads."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

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


def represent_rows(rows: Sequence[FileRow]) -> list[dict[str, Any]]:
    """The rows as JSON: null where there is nothing."""
    return [_represent(row) for row in rows]


def _represent(row: FileRow) -> dict[str, Any]:
    failed = {"code": row.failure_code, "detail": row.failure_detail}
    return {
        "line": row.line,
        "type": row.type,
        "account_id": row.account_id,
        "target_account_id": row.target_account_id or None,
        "amount": row.amount,
        "currency": row.currency,
        "description": row.description,
        "status": row.status or None,
        "balance_after": row.balance_after or None,
        "failure": failed if row.failure_code else None,
        "replayed": row.replayed,
        "transaction_id": row.transaction_id or None,
        "reversed_by": row.reversed_by or None,
    }
