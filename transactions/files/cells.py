"""Kinds of cells: how the database writes each, and how it is parsed.

SQL makes the cell's text, so that Python only passes an export on. Each kind has one text for one
value, on both databases, so files can be compared byte by byte. No expression contains a `%`, which
would need escaping where parameters are bound.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import ip_address
from typing import Any
from uuid import UUID

from core.currencies import CURRENCIES
from core.identifiers import parse_uuid
from core.money import MAX_BALANCE_UNITS, MAX_TOTAL, UNIT_DIGITS, UNITS_PER_MAIN


@dataclass(frozen=True, slots=True)
class CellKind:
    """The kind of a column's values.

    `postgresql` and `sqlite` turn `{value}` into the cell's text, and null into null. `parse` takes
    a cell that is not empty and returns the value for the database (amounts: whole units). It
    raises ValueError, with a sentence, for anything that no export writes. `is_text` cells may have
    any content: they are quoted where necessary, and neutralised for spreadsheets.
    """

    name: str
    postgresql: str
    sqlite: str
    parse: Callable[[str], Any]
    is_text: bool = False

    def sql(self, vendor: str, value: str, currency: str = "") -> str:
        template = self.postgresql if vendor == "postgresql" else self.sqlite
        return template.format(value=value, currency=currency)


_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")
_AMOUNT = re.compile(rf"(-?)(0|[1-9][0-9]*)(?:\.([0-9]{{1,{UNIT_DIGITS}}}))?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS = {"true": True, "false": False}


def cell_to_id(cell: str) -> UUID:
    """Parses an id, which must have exactly the form that an export writes."""
    identifier = parse_uuid(cell)
    if str(identifier) != cell:
        raise ValueError("An id is written in lower case, with hyphens.")
    return identifier


def cell_to_integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError("A whole number is written as digits, without zeros in front.")
    return int(cell)


def cell_to_amount(cell: str, most: int = MAX_BALANCE_UNITS) -> int:
    """Parses main units in plain decimals; returns units of 1/10,000, `most` of them."""
    match = _AMOUNT.fullmatch(cell)
    if not match:
        raise ValueError(f"An amount is a plain decimal with at most {UNIT_DIGITS} decimals.")
    sign, whole, decimals = match.groups(default="")
    units = int(whole) * UNITS_PER_MAIN + int(decimals.ljust(UNIT_DIGITS, "0"))
    if units > most or (sign and not units):
        raise ValueError("The amount is out of range.")
    return -units if sign else units


def cell_to_total(cell: str) -> int:
    """As `cell_to_amount`, for a sum of movements."""
    return cell_to_amount(cell, int(MAX_TOTAL) * UNITS_PER_MAIN)


def cell_to_time(cell: str) -> datetime:
    """ISO 8601 in UTC, to the microsecond."""
    if not _TIME.fullmatch(cell):
        raise ValueError("A time is written as 2026-01-31T23:59:59.000000Z, in UTC.")
    return datetime.fromisoformat(cell[:-1]).replace(tzinfo=UTC)


def cell_to_day(cell: str) -> date:
    if not _DAY.fullmatch(cell):
        raise ValueError("A day is written as 2026-01-31.")
    return date.fromisoformat(cell)


def cell_to_boolean(cell: str) -> bool:
    try:
        return _BOOLEANS[cell]
    except KeyError:
        raise ValueError("The value must be true or false.") from None


def cell_to_json(cell: str) -> Any:
    """A JSON object as `canonical_json` writes it."""
    value = json.loads(cell)
    if not isinstance(value, dict) or _dumped(value) != cell:
        raise ValueError("A JSON object is required, written as PostgreSQL writes jsonb.")
    return value


def cell_to_names(cell: str) -> list[str]:
    """A JSON array of texts as `canonical_json` writes it."""
    value = json.loads(cell)
    if not isinstance(value, list) or _dumped(value) != cell:
        raise ValueError("A JSON array is required, written as PostgreSQL writes jsonb.")
    return value


def cell_to_address(cell: str) -> str:
    if str(ip_address(cell)) != cell:
        raise ValueError("An IP address is written in its shortest form.")
    return cell


def canonical_json(text: str | None) -> str | None:
    """JSON as PostgreSQL writes jsonb: names by length, then by bytes; ", " and ": " between.

    On SQLite this is the SQL function `bank_json`, which `prepare_sqlite` adds to a connection.
    """
    return None if text is None else _dumped(json.loads(text))


def _dumped(value: Any) -> str:
    return json.dumps(_sorted(value), ensure_ascii=False)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (len(name.encode()), name.encode()))
        return {name: _sorted(value[name]) for name in names}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _of_digits(digits: int) -> str:
    """A condition: the amount is whole at this many digits, and its currency has that many.

    Other amounts get all four digits. Only a damaged ledger has them, and an export must not hide
    them by rounding.
    """
    codes = ", ".join(f"'{code}'" for code, known in CURRENCIES.items() if known == digits)
    unit = 10 ** (UNIT_DIGITS - digits)
    return f"{{value}} = {{value}} / {unit} * {unit} AND {{currency}} IN ({codes})"


# The most common number of digits comes first.
_DIGITS = (2, 0, 3)


def _amount_on_postgresql() -> str:
    """A numeric has as many decimals as its factors together."""

    def text(digits: int) -> str:
        whole = f"{{value}} / {10 ** (UNIT_DIGITS - digits)}"
        return f"CAST(({whole}) * {Decimal(1).scaleb(-digits):f} AS text)"

    cases = " ".join(f"WHEN {_of_digits(digits)} THEN {text(digits)}" for digits in _DIGITS)
    return f"CASE {cases} ELSE {text(UNIT_DIGITS)} END"


def _amount_on_sqlite() -> str:
    """SQLite has no decimals: builds the sign, the main units and the remainder."""
    whole = f"(abs({{value}}) / {UNITS_PER_MAIN})"
    # Adding 10,000 and cutting off the leading 1 keeps leading zeros.
    padded = f"(abs({{value}}) - {whole} * {UNITS_PER_MAIN} + {UNITS_PER_MAIN})"

    def text(digits: int) -> str:
        return f"'.' || substr({padded}, 2, {digits})" if digits else "''"

    cases = " ".join(f"WHEN {_of_digits(digits)} THEN {text(digits)}" for digits in _DIGITS)
    sign = "CASE WHEN {value} < 0 THEN '-' ELSE '' END"
    return f"({sign} || {whole} || CASE {cases} ELSE {text(UNIT_DIGITS)} END)"


_PARTS_OF_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_UUID_ON_SQLITE = " || '-' || ".join(
    f"substr({{value}}, {start}, {length})" for start, length in _PARTS_OF_UUID
)
_TIME_ON_POSTGRESQL = "to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
# Stored as text, without a fraction if that is zero.
_TIME_ON_SQLITE = "(replace(substr({value} || '.000000', 1, 26), ' ', 'T') || 'Z')"

ID = CellKind("id", "CAST({value} AS text)", f"({_UUID_ON_SQLITE})", cell_to_id)
# A word from a short list that the database checks, so there is nothing to quote or neutralise.
WORD = CellKind("word", "{value}", "{value}", str)
TEXT = CellKind("text", "{value}", "{value}", str, is_text=True)
USER = CellKind("user", "{value}", "{value}", str, is_text=True)
CALLER = CellKind("caller", "{value}", "{value}", str, is_text=True)
JSON = CellKind("json", "CAST({value} AS text)", "bank_json({value})", cell_to_json, is_text=True)
NAMES = CellKind(JSON.name, JSON.postgresql, JSON.sqlite, cell_to_names, is_text=True)
DAY = CellKind("day", "CAST({value} AS text)", "{value}", cell_to_day)
INTEGER = CellKind("integer", "CAST({value} AS text)", "CAST({value} AS text)", cell_to_integer)
AMOUNT = CellKind("amount", _amount_on_postgresql(), _amount_on_sqlite(), cell_to_amount)
TOTAL = replace(AMOUNT, parse=cell_to_total)
TIME = CellKind("time", _TIME_ON_POSTGRESQL, _TIME_ON_SQLITE, cell_to_time)
BOOLEAN = CellKind(
    "boolean",
    "CAST({value} AS text)",
    "CASE {value} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END",
    cell_to_boolean,
)
ADDRESS = CellKind("address", "host({value})", "{value}", cell_to_address)
