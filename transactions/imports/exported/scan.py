"""Finds the bad cells of files that could not be loaded: slowly, and in constant memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

from core.currencies import CURRENCIES, minor_units
from core.money import fits, format_amount, from_units
from transactions.files.cells import AMOUNT, TOTAL
from transactions.files.customers import ACCOUNT_CUSTOMERS, ACCOUNT_LIMITS
from transactions.files.file_format import Column
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.imports.exported.limits import choices, longest
from transactions.imports.exported.manifest import ExportedFile
from transactions.imports.exported.row_rules import ROW_RULES
from transactions.imports.problems import ImportFileError, ImportProblem, Problems
from transactions.imports.records import read_records

# Columns whose values must be unique, across all files of the same table.
_UNIQUE = {
    "accounts_account": ("id", "number"),
    "customers_customer": ("id", "number"),
    "seals_seal": ("id", "number"),
}
_REFERENCES = {
    "debit_account_id": "accounts_account",
    "credit_account_id": "accounts_account",
    "account_id": "accounts_account",
    "transaction_id": "transactions_transaction",
    "reverses_id": "transactions_transaction",
    "batch_id": "transactions_batch",
    "customer_id": "customers_customer",
    "seal_id": "seals_seal",
    "hold_id": "transactions_hold",
    "previous_id": "statements_statement",
}


def scan(sources: list[ExportedFile]) -> Problems:
    """All problems inside the files, of which the first are listed.

    Balances are left to the verifier, which checks that they follow from each other.
    """
    problems = Problems()
    # A database without a name is a temporary file.
    with closing(sqlite3.connect("")) as seen:
        seen.execute("CREATE TABLE ids (scope, id, file, line, PRIMARY KEY (scope, id))")
        seen.execute("CREATE TABLE refs (scope, id, file, line, name)")
        for source in sources:
            if source.is_absent:
                continue
            try:
                _Scan(source, seen, problems).run()
            except ImportFileError as error:
                problems.add(error.problem)
        problems.extend(_unknown(seen))
    return problems


class _Scan:
    """One file, cell by cell."""

    def __init__(self, source: ExportedFile, seen: sqlite3.Connection, problems: Problems) -> None:
        self._source = source
        self._form = source.form
        self._seen = seen
        self._problems = problems
        self._choices = choices(self._form)
        self._longest = longest(self._form)

    def run(self) -> None:
        names = [column.name for column in self._form.columns]
        last = ""
        for line, cells in read_records(
            self._source.path, names, self._problems, size=self._source.entry.bytes, exact=True
        ):
            row = dict(zip(names, cells, strict=True))
            found = self._problems.count
            for column, cell in zip(self._form.columns, cells, strict=True):
                if reason := self._wrong(column, cell, row):
                    self._add(line, column.name, reason)
            if self._problems.count == found:
                self._whole_row(line, row)
                if row["id"] < last and self._form is not ARCHIVED_TRANSACTIONS:
                    self._add(line, "id", "The rows are not in the order of their ids.")
                last = row["id"]

    def _wrong(self, column: Column, cell: str, row: dict[str, str]) -> str:
        """The reason why a cell is invalid; empty if it is valid."""
        try:
            value = column.parse(cell)
        except ValueError as error:
            return str(error)
        if "\x00" in cell:
            return "It has a NUL character."
        if cell not in self._choices.get(column.name, (cell,)):
            return f"{cell!r} is not known here."
        if len(cell) > (limit := self._longest.get(column.name, len(cell))):
            return f"It has more than {limit} characters."
        if column.kind in (AMOUNT, TOTAL) and cell and row["currency"] in CURRENCIES:
            return _wrong_amount(from_units(value), cell, row["currency"])
        return ""

    def _whole_row(self, line: int, row: dict[str, str]) -> None:
        name, table = self._source.entry.name, self._form.table
        references = _REFERENCES
        if self._form in (ACCOUNT_CUSTOMERS, ACCOUNT_LIMITS):
            # Their ids are those of accounts.csv, each once too.
            table, references = self._form.name, {**_REFERENCES, "id": table}
        for rule in ROW_RULES.get(table, ()):
            if not rule.holds(row):
                self._add(line, rule.column, rule.reason)
        for column in _UNIQUE.get(table, ("id",)):
            scope = table if column == "id" else f"{table}.{column}"
            values = (scope, row[column], name, line)
            if not self._seen.execute(
                "INSERT OR IGNORE INTO ids VALUES (?, ?, ?, ?)", values
            ).rowcount:
                file, first = self._seen.execute(
                    "SELECT file, line FROM ids WHERE scope = ? AND id = ?", values[:2]
                ).fetchone()
                self._add(line, column, f"It stands in {file}, line {first}, already.")
        self._seen.executemany(
            "INSERT INTO refs VALUES (?, ?, ?, ?, ?)",
            [
                (scope, row[column], name, line, column)
                for column, scope in references.items()
                if row.get(column)
            ],
        )

    def _add(self, line: int, column: str, reason: str) -> None:
        self._problems.add(ImportProblem(self._source.entry.name, line, column, reason))


def _wrong_amount(amount: Decimal, cell: str, currency: str) -> str:
    if not fits(amount, currency):
        return f"{currency} has at most {minor_units(currency)} decimals."
    expected = format_amount(amount, currency)
    return "" if cell == expected else f"This amount is written as {expected}."


def _unknown(seen: sqlite3.Connection) -> Iterator[ImportProblem]:
    """References to rows that no file has."""
    for file, line, column, value in seen.execute(
        "SELECT file, line, name, id FROM refs WHERE NOT EXISTS"
        " (SELECT 1 FROM ids WHERE ids.scope = refs.scope AND ids.id = refs.id)"
    ):
        yield ImportProblem(file, line, column, f"There is no {value} in these files.")
