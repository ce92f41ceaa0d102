"""The dry run of a whole file: every row with its expected outcome. It posts and leaves nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

from accounts.selectors import currencies_of
from core.commands import Origin
from core.money import format_amount
from desk.rows import FileRow, row_of
from transactions.batches.files import MovementFile
from transactions.batches.post import MAX_ITEMS, BatchRequest, post_batch
from transactions.ledger.idempotency import row_of as stored_row_of
from transactions.states import TransactionStatus


@dataclass(frozen=True, slots=True)
class Trial:
    """`rows` are all rows of the file, in order."""

    rows: Sequence[FileRow]

    def summary(self) -> dict[str, Any]:
        """How many rows have which outcome, and the sums of what would be new, by currency."""
        new = [row for row in self.rows if not row.replayed]
        counts = Counter(row.status for row in new)
        sums: dict[str, dict[str, Decimal]] = {}
        for row in new:
            if row.status != TransactionStatus.FAILED:
                of_type = sums.setdefault(row.currency, {})
                of_type[row.type] = of_type.get(row.type, Decimal(0)) + Decimal(row.amount)
        return {
            "completed": counts[TransactionStatus.COMPLETED],
            "failed": counts[TransactionStatus.FAILED],
            "pending": counts[TransactionStatus.PENDING],
            "replayed": len(self.rows) - len(new),
            "sums": {
                currency: {kind: format_amount(sum_, currency) for kind, sum_ in of_type.items()}
                for currency, of_type in sorted(sums.items())
            },
        }

    def mark(self) -> str:
        """Identifies the outcome, for a later check whether it still holds."""
        told = "\n".join(f"{row.line} {row.status} {row.failure_code}" for row in self.rows)
        return sha256(told.encode()).hexdigest()


def try_file(movements: MovementFile, origin: Origin) -> Trial:
    """Runs the file in one database transaction, and rolls it back.

    It runs row by row even if the file is all or nothing, so each row has an outcome. Raises the
    errors of `post_batch`.
    """
    rows: list[FileRow] = []
    for lines, request in movements.requests(MAX_ITEMS, skip=0, atomic=False):
        rows += _tried(lines, request, origin)
    return Trial(rows)


def _tried(lines: Sequence[int], request: BatchRequest, origin: Origin) -> list[FileRow]:
    movements = request.movements()
    results = post_batch(request, origin, dry_run=True).rows()
    currencies = currencies_of({command.account_id for command in movements})
    return [
        row_of(
            line,
            command,
            stored_row_of(result),
            currency=currencies[command.account_id].currency,
            replayed=result.replayed,
            transaction_id=str(result.id) if result.replayed else "",
        )
        for line, command, result in zip(lines, movements, results, strict=True)
    ]
