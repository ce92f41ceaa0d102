"""Reads later transactions: those in the archive file after the end that the export knows.

The live archive grows after an export into the bank's own folder. If the database is then lost, the
file may be the only record of later transactions.
"""

import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.commands.open import ensure_cash_account
from accounts.models import CASH, Account, internal_account_id
from core import clock
from core.csv_records import NotCsv, is_whole, read_csv, records_of
from core.money import from_units
from transactions.archive.lines import FORMAT
from transactions.files.file_format import END_OF_LINE
from transactions.imports.exported.manifest import ExportedFile
from transactions.imports.exported.staging import stage, unstage
from transactions.imports.exported.tables import create_users, insert
from transactions.imports.problems import ImportProblem, Problems
from transactions.models import Batch, Transaction

_IDS_AT_ONCE = 500
_SIDES = (("debit", -1), ("credit", 1))
_MOVED = ("balance", "last_sequence", "last_posted_at", "updated_at")


@dataclass(slots=True)
class _Row:
    """A line of the archive: its bytes, its place, and its values by column; amounts in units."""

    data: bytes
    line: int
    values: dict[str, Any]


@dataclass(slots=True)
class Later:
    """Transactions only in the archive. `left` has the reasons for those not in the bank."""

    name: str
    rows: list[_Row] = field(default_factory=list)
    left: Problems = field(default_factory=Problems)
    taken: int = 0

    @property
    def count(self) -> int:
        return len(self.rows) + self.left.count

    def leave(self, rows: list[_Row], reason: str) -> None:
        for row in rows:
            self.left.add(ImportProblem(self.name, row.line, "", reason))


def read_later(source: ExportedFile) -> Later:
    """The later lines whose transactions the bank does not have in the same state.

    Call it once the whole export is loaded. Memory grows with these lines.
    """
    later = Later(source.entry.name)
    rows = list(_rows(source, later))
    for start in range(0, len(rows), _IDS_AT_ONCE):
        some = rows[start : start + _IDS_AT_ONCE]
        ids = [row.values["id"] for row in some]
        known = dict(Transaction.objects.filter(pk__in=ids).values_list("pk", "status"))
        for row in some:
            status = known.get(row.values["id"])
            if status is None:
                later.rows.append(row)
            elif status != row.values["status"]:
                reason = f"It is {row.values['status']} there, and {status} in the export."
                later.leave([row], reason)
    return later


def _rows(source: ExportedFile, later: Later) -> Iterator[_Row]:
    if not source.path.is_file():
        return
    known = max(source.entry.bytes, len(FORMAT.header))
    with source.path.open("rb") as file:
        line = file.read(known).count(b"\n") + 1
        for record in records_of(file):
            # A line without an end was not fully on disk when the bank went down.
            if is_whole(record) and record.endswith(END_OF_LINE):
                try:
                    _, cells = next(read_csv(io.BytesIO(record), exact=True))
                    yield _Row(record, line, FORMAT.parse(cells))
                except (ValueError, NotCsv) as error:
                    later.left.add(ImportProblem(source.entry.name, line, "", _reason(error)))
            line += record.count(b"\n")


def take(later: Later) -> None:
    """Loads the transactions that continue the loaded bank without a gap; leaves the rest.

    Each account's own count and balance continue from the end of the export, so a row is taken once
    its sides are the next entries of their accounts. Raises DatabaseError.
    """
    ids = {row.values[f"{side}_account_id"] for row in later.rows for side, _ in _SIDES}
    for currency in {row.values["currency"] for row in later.rows}:
        if internal_account_id(CASH, currency) in ids:
            ensure_cash_account(currency, clock.now())
    accounts = Account.objects.in_bulk(ids)
    waiting, chosen = sorted(later.rows, key=_order), list[_Row]()
    reversed_ids = {row.values["reverses_id"] for row in waiting} - {None}
    there = set(Transaction.objects.filter(pk__in=reversed_ids).values_list("pk", flat=True))
    while found := [row for row in waiting if _follows(row, accounts, there)]:
        chosen += found
        ids_of_found = {row.values["id"] for row in found}
        waiting = [row for row in waiting if row.values["id"] not in ids_of_found]
    _insert(later.name, chosen, accounts)
    later.taken, later.rows = len(chosen), []
    later.leave(waiting, "An earlier transaction of one of its accounts is missing.")


def _order(row: _Row) -> tuple[Any, UUID]:
    return row.values["completed_at"] or row.values["updated_at"], row.values["id"]


def _follows(row: _Row, accounts: dict[UUID, Account], there: set[UUID]) -> bool:
    """Whether the row comes next in its accounts; if so, advances them past it."""
    values = row.values
    sides = [(values[f"{side}_account_id"], side, sign) for side, sign in _SIDES]
    reverses = values["reverses_id"]
    if any(one not in accounts for one, _, _ in sides) or (reverses and reverses not in there):
        return False
    steps = []
    for account_id, side, sign in sides:
        account, sequence = accounts[account_id], values[f"{side}_sequence"]
        if sequence is None:
            continue
        assert account.last_sequence is not None
        assert account.balance is not None
        balance = account.balance + sign * from_units(values["amount"])
        after = values[f"{side}_balance_after"]
        if sequence != account.last_sequence + 1 or balance != from_units(after):
            return False
        steps.append((account, sequence, balance))
    for account, sequence, balance in steps:
        account.last_sequence, account.balance = sequence, balance
        account.last_posted_at = values["completed_at"]
        account.updated_at = max(account.updated_at, values["completed_at"])
    there.add(values["id"])
    return True


def _insert(name: str, rows: list[_Row], accounts: dict[UUID, Account]) -> None:
    if not rows:
        return
    for batch_id in {row.values["batch_id"] for row in rows} - {None}:
        created_at = min(row.values["created_at"] for row in rows)
        # No file has the batch's key; its items have keys of their own, or none.
        Batch.objects.get_or_create(
            pk=batch_id,
            defaults={"caller": "job:import_data", "atomic": False, "created_at": created_at},
        )
    data = FORMAT.header + b"".join(row.data for row in rows)
    with tempfile.TemporaryDirectory(prefix="bank-import-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        stage(FORMAT, path, len(data), lambda _bytes: None)
    create_users(FORMAT)
    insert(FORMAT)
    unstage(FORMAT)
    sides = {row.values[f"{side}_account_id"] for row in rows for side, _ in _SIDES}
    for account_id in sorted(sides):
        if accounts[account_id].last_sequence:
            accounts[account_id].save(update_fields=_MOVED)


def _reason(error: ValueError | NotCsv) -> str:
    return error.reason if isinstance(error, NotCsv) else str(error)
