"""The format of a file whose lines the database itself writes, strictly by RFC 4180."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from core import formulas
from transactions.files.cells import CALLER, TEXT, WORD, CellKind, canonical_json

END_OF_LINE = b"\r\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. `value` is its SQL, over the file's `tables`.

    An empty cell is null if the column `is_nullable`, else the empty text.
    """

    name: str
    kind: CellKind
    doc: str
    value: str = ""
    is_nullable: bool = False
    # The database's column, where an import cannot tell it by the name.
    stored: str = ""

    def cell(self, vendor: str) -> str:
        """SQL for the unquoted text of the cell, null for an empty one."""
        return self.kind.sql(vendor, self.value or f"t.{self.name}", currency="t.currency")

    def parse(self, cell: str) -> Any:
        """The value of an unquoted cell. Raises ValueError for a cell that no export writes."""
        if cell:
            return self.kind.parse(cell)
        if self.is_nullable:
            return None
        if self.kind in (TEXT, WORD, CALLER):
            return ""
        raise ValueError("The cell must not be empty.")


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A file: its columns in order, and its rows, ordered by id.

    `table` is `t` in all SQL here. `users` are the users that its columns name, by the column with
    their number, and `caller_user` is the one that the column `caller` names. `condition` selects
    the rows, empty for all, and `summed` is the amount that the manifest sums up.
    """

    name: str
    doc: str
    table: str
    columns: tuple[Column, ...]
    users: tuple[tuple[str, str], ...] = ()
    caller: str = ""
    condition: str = ""
    summed: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.name}.csv"

    @property
    def header(self) -> bytes:
        """The first line, with its CRLF."""
        return ",".join(column.name for column in self.columns).encode() + END_OF_LINE

    def line(self, vendor: str, *, for_spreadsheet: bool = False) -> str:
        """SQL for a whole line of RFC 4180, as text and without its CRLF."""
        cells = (_in_line(column, vendor, for_spreadsheet) for column in self.columns)
        if vendor == "postgresql":
            separator = ", ',', "
            return f"concat({separator.join(cells)})"
        return " || ',' || ".join(f"coalesce({cell}, '')" for cell in cells)

    def source(self, vendor: str) -> str:
        """SQL for the FROM clause: the table `t`, joined with the users that it names."""
        joins = [
            f" LEFT JOIN auth_user AS {alias} ON {alias}.id = {column}"
            for alias, column in self.users
        ]
        if self.caller:
            condition = _is_caller(vendor, self.caller)
            joins.append(f" LEFT JOIN auth_user AS caller_user ON {condition}")
        return f"{self.table} AS t{''.join(joins)}"

    def count(self) -> str:
        """A SELECT of rows and sums by currency: (currency or null, rows, billions, rest).

        A sum of units is billions * 10^9 + rest: in one number SQLite could overflow.
        """
        chosen = f" WHERE {self.condition}" if self.condition else ""
        if not self.summed:
            return f"SELECT NULL, count(*), 0, 0 FROM {self.table} AS t{chosen}"  # noqa: S608
        value = f"t.{self.summed}"
        billions = f"{value} / 1000000000"
        return (
            f"SELECT t.currency, count(*), sum({billions}), sum({value} - {billions} * 1000000000)"  # noqa: S608
            f" FROM {self.table} AS t{chosen} GROUP BY t.currency ORDER BY t.currency"
        )

    def select_lines(
        self, vendor: str, *, condition: str | None = None, for_spreadsheet: bool = False
    ) -> str:
        """A SELECT of the lines, in the order of ids. `condition` replaces the file's own."""
        return self._select(vendor, self.line(vendor, for_spreadsheet=for_spreadsheet), condition)

    def select_cells(self, *, for_spreadsheet: bool = False) -> str:
        """A SELECT of the cells for PostgreSQL's COPY in its format CSV.

        COPY makes the same lines, except for their ends, and is faster. Empty texts must be null,
        since COPY would quote them.
        """
        return self._select("postgresql", self.cells_in_copy(for_spreadsheet=for_spreadsheet), None)

    def cells_in_copy(self, *, for_spreadsheet: bool = False) -> str:
        """The cells of `select_cells`."""
        return ", ".join(_in_copy(column, for_spreadsheet) for column in self.columns)

    def _select(self, vendor: str, what: str, condition: str | None) -> str:
        where = self.condition if condition is None else condition
        chosen = f" WHERE {where}" if where else ""
        return f"SELECT {what} FROM {self.source(vendor)}{chosen} ORDER BY t.id"  # noqa: S608

    def parse(self, cells: Iterable[str]) -> dict[str, Any]:
        """The values of a line by column. Raises ValueError, naming the column."""
        values = {}
        for column, cell in zip(self.columns, cells, strict=True):
            try:
                values[column.name] = column.parse(cell)
            except ValueError as error:
                raise ValueError(f"{column.name}: {error}") from error
        return values


_FUNCTIONS = {
    "bank_json": canonical_json,
    "bank_neutralised": formulas.neutralised_or_none,
}


def prepare_sqlite(connection: BaseDatabaseWrapper) -> None:
    """Adds the SQL functions that the lines of some files need to an SQLite connection."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        for name, function in _FUNCTIONS.items():
            connection.connection.create_function(name, 1, function, deterministic=True)


def _in_line(column: Column, vendor: str, for_spreadsheet: bool) -> str:
    cell = _shown(column, vendor, for_spreadsheet)
    return _quoted(vendor, cell) if column.kind.is_text else cell


def _in_copy(column: Column, for_spreadsheet: bool) -> str:
    cell = _shown(column, "postgresql", for_spreadsheet)
    return f"nullif({cell}, '')" if column.kind.is_text or column.kind is WORD else cell


def _shown(column: Column, vendor: str, for_spreadsheet: bool) -> str:
    cell = column.cell(vendor)
    return _neutralised(vendor, cell) if for_spreadsheet and column.kind.is_text else cell


def _quoted(vendor: str, cell: str) -> str:
    """RFC 4180, section 2, rules 6 and 7."""
    if vendor == "postgresql":
        special = f"{cell} ~ '[\",\\r\\n]'"
    else:
        characters = ("'\"'", "','", "char(10)", "char(13)")
        special = " + ".join(f"instr({cell}, {character})" for character in characters)
    return f"CASE WHEN {special} THEN '\"' || replace({cell}, '\"', '\"\"') || '\"' ELSE {cell} END"


def _neutralised(vendor: str, cell: str) -> str:
    """As `core.formulas.neutralised`."""
    if vendor == "sqlite":
        return f"bank_neutralised({cell})"
    starts = ", ".join(f"chr({ord(start)})" for start in formulas.STARTS)
    within = f"regexp_replace({cell}, '{formulas.WITHIN}', '\\1''\\2', 'g')"
    return f"(CASE WHEN substr({cell}, 1, 1) IN ({starts}) THEN '''' || {within} ELSE {within} END)"


def _is_caller(vendor: str, caller: str) -> str:
    """A condition that finds the user of `user:<id>`, by the index of the ids."""
    if vendor == "postgresql":
        is_user = f"{caller} ~ '^user:[1-9][0-9]{{0,8}}$'"
        return f"caller_user.id = CASE WHEN {is_user} THEN CAST(substr({caller}, 6) AS integer) END"
    return (
        f"caller_user.id = CAST(substr({caller}, 6) AS integer)"
        f" AND {caller} = 'user:' || caller_user.id"
    )
