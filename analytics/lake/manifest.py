"""The manifest: which days the lake has, and what is in them."""

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from analytics.lake.columns import TABLE
from core.files import FileProblem, os_errors_as_file_problem, write_atomically
from core.money import format_units, to_units

NAME = "manifest.json"
FILE_NAME = "transactions.parquet"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class WrittenDay:
    """One file. `sums` are amounts by currency, in units."""

    day: date
    rows: int
    size: int
    sha256: str
    sums: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "rows": self.rows,
            "bytes": self.size,
            "sha256": self.sha256,
            "sums": as_text(self.sums),
        }


@dataclass(slots=True)
class DayList:
    """All days before `covered_until` are in the lake. A day without postings has no file."""

    zone: str
    covered_until: date | None = None
    days: list[WrittenDay] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(day.rows for day in self.days)

    def sums(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for day in self.days:
            for currency, units in day.sums.items():
                total[currency] = total.get(currency, 0) + units
        return dict(sorted(total.items()))

    def write(self, lake: Path) -> None:
        """Replaces the manifest as a whole. On return it is on the disk. Raises FileProblem."""
        content = {
            "version": _VERSION,
            "table": TABLE,
            "zone": self.zone,
            "covered_until": self.covered_until and self.covered_until.isoformat(),
            "days": [day.as_json() for day in self.days],
        }
        with write_atomically(lake / NAME) as file:
            file.write(json.dumps(content, indent=1).encode() + b"\n")


def folder_of(lake: Path, day: date) -> Path:
    """The folder of a day, as readers of partitions know it."""
    return lake / TABLE / f"posting_day={day.isoformat()}"


def as_text(sums: dict[str, int]) -> dict[str, str]:
    return {currency: format_units(units, currency) for currency, units in sorted(sums.items())}


def read_manifest(lake: Path, zone: str) -> DayList:
    """The manifest of a lake, or a new one. Raises FileProblem, also for another time zone."""
    path = lake / NAME
    if not path.exists():
        return DayList(zone)
    with os_errors_as_file_problem(path, "read"):
        text = path.read_bytes()
    try:
        manifest = _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise FileProblem(f"{path} is no manifest of a lake.") from error
    if manifest.zone != zone:
        raise FileProblem(
            f"The days of {lake} are those of {manifest.zone}, and the bank's are those of {zone}."
            " Begin a new lake in another folder."
        )
    return manifest


def _parsed(content: dict[str, Any]) -> DayList:
    if content["version"] != _VERSION or content["table"] != TABLE:
        raise ValueError("Another version.")
    until = content["covered_until"]
    days = [
        WrittenDay(
            date.fromisoformat(day["day"]),
            int(day["rows"]),
            int(day["bytes"]),
            str(day["sha256"]),
            {currency: _units(text) for currency, text in day["sums"].items()},
        )
        for day in content["days"]
    ]
    manifest = DayList(content["zone"], until and date.fromisoformat(until), days)
    named = [day.day for day in days]
    if named != sorted(set(named)):
        raise ValueError("A day stands twice, or after a later one.")
    if named and (manifest.covered_until is None or manifest.covered_until <= named[-1]):
        raise ValueError("A day is not covered.")
    return manifest


def _units(text: str) -> int:
    return to_units(Decimal(text))
