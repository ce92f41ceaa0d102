"""`manifest.json`: describes the files of an export, so that a reader can check completeness."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from core.money import UNITS_PER_MAIN, fits, format_amount, from_units
from transactions.files.cells import cell_to_time
from transactions.files.file_format import FileFormat
from transactions.files.formats import FORMAT_VERSION

MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of the export: its size and SHA-256, its rows, and their sum by currency.

    `bytes` counts from the start of the file. The live archive may have grown since; the entry
    describes it as of the export.
    """

    name: str
    rows: int
    bytes: int
    sha256: str
    sums: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All files of an export, as the bank was at one moment."""

    exported_at: datetime
    files: tuple[FileEntry, ...]
    spreadsheets: tuple[str, ...] = ()
    format_version: int = FORMAT_VERSION

    def as_json(self) -> dict[str, Any]:
        return {
            "format_version": self.format_version,
            "exported_at": f"{self.exported_at:%Y-%m-%dT%H:%M:%S.%f}Z",
            "files": [asdict(entry) for entry in self.files],
            "spreadsheets": list(self.spreadsheets),
        }

    def encode(self) -> bytes:
        return (json.dumps(self.as_json(), indent=2) + "\n").encode()

    @classmethod
    def decode(cls, text: bytes) -> "Manifest":
        """Parses the output of `encode`. Raises ValueError, with a sentence, for anything else."""
        try:
            content = json.loads(text)
            if content["format_version"] != FORMAT_VERSION:
                raise ValueError(f"Only files of format version {FORMAT_VERSION} are read here.")
            return cls(
                exported_at=cell_to_time(content["exported_at"]),
                files=tuple(_decoded(entry) for entry in content["files"]),
                spreadsheets=tuple(content["spreadsheets"]),
            )
        except (
            KeyError,
            TypeError,
            UnicodeDecodeError,
            json.JSONDecodeError,
            RecursionError,
        ) as error:
            raise ValueError(f"{MANIFEST_NAME} is not a manifest of an export.") from error


_TYPES_OF_ENTRY = {"name": str, "rows": int, "bytes": int, "sha256": str, "sums": dict}


def _decoded(entry: Mapping[str, Any]) -> FileEntry:
    """Raises TypeError for an entry that `encode` does not write."""
    decoded = FileEntry(**entry)
    if not all(isinstance(getattr(decoded, name), of) for name, of in _TYPES_OF_ENTRY.items()):
        raise TypeError(f"An entry has {', '.join(_TYPES_OF_ENTRY)}, each of its type.")
    return decoded


def sums_of_table(
    connection: BaseDatabaseWrapper, file_format: FileFormat
) -> tuple[int, dict[str, str]]:
    """The number of rows of a file, and the sums of its amounts by currency."""
    with connection.cursor() as cursor:
        cursor.execute(file_format.count())
        counts = cursor.fetchall()
    sums = {
        currency: _shown(int(billions or 0) * 10**9 + int(rest or 0), currency)
        for currency, _, billions, rest in counts
        if currency is not None
    }
    return sum(rows for _, rows, _, _ in counts), sums


def _shown(units: int, currency: str) -> str:
    """Plain decimals with the currency's digits, or with four if those would round."""
    amount = from_units(units)
    if fits(amount, currency):
        return format_amount(amount, currency)
    return format(Decimal(units) / UNITS_PER_MAIN, "f")
