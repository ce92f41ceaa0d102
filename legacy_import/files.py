"""Reads the files of the earlier system, row by row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from core.csv_records import Record
from core.money import MAX_AMOUNT, MAX_BALANCE, parse_amount
from core.texts import check_text
from legacy_import.times import LocalTimes
from transactions.imports.problems import ImportProblem, Problems
from transactions.imports.records import read_records
from transactions.states import TransactionStatus

ACCOUNTS_FILE = "accounts.csv"
# This file is optional. It is read first, because its rows are older.
ARCHIVE_FILE = "archived_transactions.csv"
MOVEMENTS_FILES = (ARCHIVE_FILE, "transactions.csv")

ACCOUNT_COLUMNS = (
    "account_id", "account_name", "initial_balance", "account_balance", "created_at", "updated_at",
)  # fmt: skip
MOVEMENT_COLUMNS = (
    "account_id", "txn_type", "txn_status", "amount", "description", "timestamp",
)  # fmt: skip

_LONGEST_ID = 100
_LONGEST_NAME = 200
_LONGEST_DESCRIPTION = 500
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# The statuses of the earlier system. A transaction that still waited there becomes FAILED.
_STATUSES = {
    "COMPLETED": TransactionStatus.COMPLETED,
    "SUCCESS": TransactionStatus.COMPLETED,
    "FAILED": TransactionStatus.FAILED,
    "PENDING": TransactionStatus.PENDING,
    "PROCESSING": TransactionStatus.PENDING,
}


class MovementType(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    TRANSFER_IN = "TRANSFER_IN"
    TRANSFER_OUT = "TRANSFER_OUT"

    @property
    def is_debit(self) -> bool:
        return self in (MovementType.WITHDRAW, MovementType.TRANSFER_OUT)


@dataclass(frozen=True, slots=True)
class LegacyAccount:
    """A row of accounts.csv. Balances are in main units, with the digits of the file."""

    line: int
    legacy_id: str
    name: str
    initial_balance: Decimal
    balance: Decimal
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of transactions.csv: one account's side. `amount` is in main units, without its sign.

    The status PENDING stands for PENDING and PROCESSING of the earlier system.
    """

    file: str
    line: int
    legacy_id: str
    type: MovementType
    status: TransactionStatus
    amount: Decimal
    description: str
    at: datetime

    def problem(self, reason: str, column: str = "") -> ImportProblem:
        return ImportProblem(self.file, self.line, column, reason)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads a folder of the earlier system. Every unreadable cell is a problem.

    `zone` applies to times without an offset; no time may be after `now`. `remarks` do not stop the
    import: they list times that are ambiguous because clocks were set back, and with `adjust` also
    accounts without a name, which get one.
    """

    folder: Path
    zone: tzinfo
    now: datetime
    problems: Problems
    adjust: bool = False
    remarks: Problems = field(default_factory=Problems)
    # Accounts with unreadable rows, by the earlier id.
    incomplete: set[str] = field(default_factory=set)

    def accounts(self) -> dict[str, LegacyAccount]:
        """The accounts by the earlier system's id. Raises ImportFileError."""
        accounts: dict[str, LegacyAccount] = {}
        for line, cells in self._records(ACCOUNTS_FILE, ACCOUNT_COLUMNS):
            row = _Row(ACCOUNTS_FILE, line, ACCOUNT_COLUMNS, cells, self.problems)
            found = self.problems.count
            legacy_id = row.read("account_id", _identifier, "")
            account = LegacyAccount(
                line=line,
                legacy_id=legacy_id,
                name=row.read("account_name", _name, "") or self._name_of(row, legacy_id),
                initial_balance=row.read("initial_balance", _balance, Decimal(0)),
                balance=row.read("account_balance", _balance, Decimal(0)),
                created_at=self._moment(row, "created_at", LocalTimes(self.zone)),
                updated_at=self._moment(row, "updated_at", LocalTimes(self.zone)),
            )
            if first := accounts.get(account.legacy_id):
                row.add("account_id", f"Line {first.line} already has this id.")
            accounts.setdefault(account.legacy_id, account)
            if self.problems.count > found:
                self.incomplete.add(account.legacy_id)
        return accounts

    def _name_of(self, row: "_Row", legacy_id: str) -> str:
        """The name for an account without one. Reports the blank name."""
        if not row.cells[ACCOUNT_COLUMNS.index("account_name")].strip():
            told = self.remarks if self.adjust else self.problems
            told.add(ImportProblem(row.file, row.line, "account_name", "The name is blank."))
        return f"Account {legacy_id}"

    def movements(self, accounts: dict[str, LegacyAccount]) -> Iterator[Movement]:
        """The readable rows, in the order of the files. Raises ImportFileError."""
        for name in MOVEMENTS_FILES:
            if name == ARCHIVE_FILE and not (self.folder / name).exists():
                continue
            times = LocalTimes(self.zone)
            for line, cells in self._records(name, MOVEMENT_COLUMNS):
                row = _Row(name, line, MOVEMENT_COLUMNS, cells, self.problems)
                if movement := self._movement(row, accounts, times):
                    yield movement

    def _movement(
        self, row: "_Row", accounts: dict[str, LegacyAccount], times: LocalTimes
    ) -> Movement | None:
        found = self.problems.count
        legacy_id = row.read("account_id", _identifier, "")
        if legacy_id and legacy_id not in accounts:
            row.add("account_id", f"There is no account {legacy_id!r} in {ACCOUNTS_FILE}.")
        kind = row.read("txn_type", _type, MovementType.DEPOSIT)
        status = row.read("txn_status", _status, TransactionStatus.PENDING)
        signed = row.read("amount", _amount, Decimal(0))
        description = row.read("description", _description, "")
        at = self._moment(row, "timestamp", times)
        if self.problems.count == found and signed and (signed < 0) != kind.is_debit:
            row.add("amount", f"{kind} is {'negative' if kind.is_debit else 'positive'}.")
        if self.problems.count > found:
            # If the account's id is unreadable, the row may belong to any account.
            self.incomplete.update([legacy_id] if legacy_id in accounts else accounts)
            return None
        return Movement(
            row.file, row.line, legacy_id, kind, status, abs(signed), description, at
        )  # fmt: skip

    def _records(self, name: str, columns: Sequence[str]) -> Iterator[Record]:
        return read_records(self.folder / name, columns, self.problems)

    def _moment(self, row: "_Row", column: str, times: LocalTimes) -> datetime:
        def parse(text: str) -> datetime:
            try:
                read = datetime.fromisoformat(text)
            except ValueError:
                raise ValueError("A date and time in ISO 8601 is required.") from None
            moment, remark = (read.astimezone(UTC), "") if read.tzinfo else times.moment(read)
            if not _EPOCH <= moment <= self.now:
                raise ValueError("A time since 1970 that is not in the future is required.")
            if remark:
                self.remarks.add(ImportProblem(row.file, row.line, column, remark))
            return moment

        moment: datetime = row.read(column, parse, self.now)
        return moment


@dataclass(frozen=True, slots=True)
class _Row:
    file: str
    line: int
    columns: Sequence[str]
    cells: list[str]
    problems: Problems

    def read(self, column: str, parse: Callable[[str], Any], instead: Any) -> Any:
        """The cell's value, or `instead` after a problem, so that the other cells are read too."""
        try:
            return parse(self.cells[self.columns.index(column)])
        except (ValueError, OverflowError) as error:
            self.add(column, str(error))
            return instead

    def add(self, column: str, reason: str) -> None:
        self.problems.add(ImportProblem(self.file, self.line, column, reason))


def _identifier(text: str) -> str:
    return _text(text, longest=_LONGEST_ID, required=True)


def _name(text: str) -> str:
    return _text(text, longest=_LONGEST_NAME, required=False) if text.strip() else ""


def _description(text: str) -> str:
    return _text(text, longest=_LONGEST_DESCRIPTION, required=False)


def _text(text: str, *, longest: int, required: bool) -> str:
    if required and not text.strip():
        raise ValueError("It must not be blank.")
    if len(text) > longest:
        raise ValueError(f"It has more than {longest} characters.")
    check_text(text)
    return text


def _type(text: str) -> MovementType:
    try:
        return MovementType(text)
    except ValueError:
        raise ValueError(f"It is none of {', '.join(MovementType)}.") from None


def _status(text: str) -> TransactionStatus:
    try:
        return _STATUSES[text.upper()]
    except KeyError:
        raise ValueError(f"It is none of {', '.join(_STATUSES)}.") from None


def _amount(text: str) -> Decimal:
    return _number(text, MAX_AMOUNT)


def _balance(text: str) -> Decimal:
    return _number(text, MAX_BALANCE)


def _number(text: str, limit: Decimal) -> Decimal:
    """Parses plain decimal notation, with a minus if negative."""
    number = parse_amount(text.removeprefix("-"))
    if number > limit:
        raise ValueError(f"It is above {limit:f}.")
    return -number if text.startswith("-") else number
