"""Runs a named query, and writes its answer as texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from analytics.catalog import AMOUNTS, DAYS, IDS, NamedQuery, months_between
from analytics.parameters import Value
from core.money import format_amount

Rows = list[tuple[Any, ...]]


class Engine(Protocol):
    """Where queries run."""

    def rows(
        self, sql: str, values: Mapping[str, Value], months: Sequence[str], seconds: float
    ) -> Rows: ...

    def amount(self, value: Any) -> Decimal: ...


# More rows than anybody reads would only take memory.
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of int, Decimal, date, str or None, in the order of the query's columns.

    With `is_cut` there are more rows than MOST_ROWS, and the rest is left out.
    """

    query: NamedQuery
    values: dict[str, Value]
    rows: list[tuple[Any, ...]]
    is_cut: bool = False

    def texts(self) -> list[list[str]]:
        """Each value as text: an amount with the digits of its row's currency."""
        place = self.query.columns.index("currency")
        return [
            [
                _text(name, value, row[place])
                for name, value in zip(self.query.columns, row, strict=True)
            ]
            for row in self.rows
        ]


def ask(query: NamedQuery, given: Mapping[str, str], engine: Engine, *, seconds: float) -> Answer:
    """Raises WrongParameter, TookTooLong, and the errors of the engine."""
    values = query.values(given)
    first, last = values.get("first"), values.get("last")
    is_span = isinstance(first, date) and isinstance(last, date)
    months = months_between(first, last) if is_span else []  # type: ignore[arg-type]
    rows = engine.rows(f"{query.sql}LIMIT {MOST_ROWS + 1}", values, months, seconds)
    kept = [_row(query, row, engine) for row in rows[:MOST_ROWS]]
    return Answer(query, values, kept, is_cut=len(rows) > MOST_ROWS)


def _row(query: NamedQuery, row: tuple[Any, ...], engine: Engine) -> tuple[Any, ...]:
    return tuple(
        _value(name, value, engine) for name, value in zip(query.columns, row, strict=True)
    )


def _value(name: str, value: Any, engine: Engine) -> Any:
    """What all engines agree on, whatever type each has for it."""
    if value is None:
        return None
    if name in AMOUNTS:
        return engine.amount(value)
    if name in DAYS:
        return value if isinstance(value, date) else date.fromisoformat(str(value))
    if name in IDS:
        return str(value if isinstance(value, UUID) else UUID(str(value)))
    return int(value) if isinstance(value, Decimal) else value


def _text(name: str, value: Any, currency: str) -> str:
    if value is None:
        return ""
    return format_amount(value, currency) if name in AMOUNTS else str(value)
