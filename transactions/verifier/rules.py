"""Rules as SQL conditions, and passes that check all rules of a kind of row in one statement.

The SQL is common to SQLite and PostgreSQL, made from constants and never from input.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.backends.base.base import BaseDatabaseWrapper

from core.money import from_units
from transactions.verifier.report import Collector, Place

_FETCHED_AT_ONCE = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition that every row of a pass must meet. `says` is a sentence.

    `broken` is an SQL condition, true where the rule is broken. It is NULL where a value is
    missing, which another rule reports. `where`, `expected` and `found` are SQL expressions; with
    `in_units` the last two are amounts.
    """

    code: str
    says: str
    broken: str
    where: Mapping[str, str]
    expected: str
    found: str
    in_units: bool = False

    def expressions(self) -> list[str]:
        return [f"({self.broken})", *self.where.values(), self.expected, self.found]

    def place(self, values: Sequence[Any]) -> Place:
        """The place, from the values of all expressions except the first."""
        *located, expected, found = values
        shown = _amount if self.in_units else _text
        where = {
            name: value if isinstance(value, int) else str(_text(value))
            for name, value in zip(self.where, located, strict=True)
            if value is not None
        }
        return Place(where, shown(expected), shown(found))


@dataclass(frozen=True, slots=True)
class Pass:
    """All rules over the rows of one FROM clause, `source`."""

    source: str
    rules: Sequence[Rule]

    def statement(self) -> str:
        columns = ", ".join(expr for rule in self.rules for expr in rule.expressions())
        broken = " OR ".join(f"({rule.broken})" for rule in self.rules)
        return f"SELECT {columns} FROM {self.source} WHERE {broken}"

    def run(self, connection: BaseDatabaseWrapper, found: Collector) -> None:
        for row in stream(connection, self.statement()):
            start = 0
            for rule in self.rules:
                end = start + len(rule.expressions())
                if row[start]:
                    found.add(rule.code, rule.says, rule.place(row[start + 1 : end]))
                start = end


def stream(connection: BaseDatabaseWrapper, statement: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a SELECT, a bounded number of them in memory at a time."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement)
        while rows := cursor.fetchmany(_FETCHED_AT_ONCE):
            yield from rows


def _text(value: Any) -> str | None:
    """Ids in their usual form; SQLite stores them as 32 hexadecimal digits."""
    if isinstance(value, str) and len(value) == 32:
        try:
            return str(UUID(value))
        except ValueError:
            return value
    return None if value is None else str(value)


def _amount(units: Any) -> str | None:
    """Main units with 4 decimals. A value that is no whole number is shown as stored."""
    if isinstance(units, int | Decimal) and units == int(units):
        return format(from_units(int(units)), "f")
    return None if units is None else str(units)
