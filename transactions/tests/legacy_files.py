"""Folders of the earlier system, in its own format."""

import csv
from collections.abc import Iterable
from pathlib import Path

from legacy_import.files import ACCOUNT_COLUMNS, MOVEMENT_COLUMNS

Row = Iterable[object]

ADA = (1, "Ada Lovelace", "100.0", "64.75", "2024-01-05T09:00:00", "2024-02-01T12:00:00")
BOB = (2, "Bob Noyce", 0, "30.25", "2024-01-06T09:00:00", "2024-02-01T12:00:00")
HISTORY = (
    (1, "DEPOSIT", "COMPLETED", "15.50", "Salary", "2024-01-07T10:00:00"),
    (1, "WITHDRAW", "COMPLETED", "-20.50", "Cash, please", "2024-01-08T10:00:00"),
    (1, "TRANSFER_OUT", "COMPLETED", "-30.25", "Transfer to 2", "2024-01-09T10:00:00"),
    (2, "TRANSFER_IN", "COMPLETED", "30.25", "Transfer from 1", "2024-01-09T10:00:00.004"),
    (2, "WITHDRAW", "FAILED", "-999.00", "Too much", "2024-01-10T10:00:00"),
    (2, "DEPOSIT", "PENDING", "5.00", "On its way", "2024-01-11T10:00:00"),
)


def write_legacy(
    folder: Path,
    *,
    accounts: Iterable[Row] = (ADA, BOB),
    history: Iterable[Row] = HISTORY,
    archived: Iterable[Row] | None = None,
) -> Path:
    folder.mkdir(exist_ok=True)
    _write(folder / "accounts.csv", ACCOUNT_COLUMNS, accounts)
    _write(folder / "transactions.csv", MOVEMENT_COLUMNS, history)
    if archived is not None:
        _write(folder / "archived_transactions.csv", MOVEMENT_COLUMNS, archived)
    return folder


def _write(path: Path, columns: Row, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
