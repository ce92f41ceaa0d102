"""Rows as Parquet: amounts as exact decimals, moments in UTC to the microsecond."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from analytics.lake.columns import COLUMNS

# A balance has up to 15 digits before the point, and 4 after it.
AMOUNT = pa.decimal128(19, 4)
_UNITS = pa.decimal128(19, 0)
_TYPES = {
    "id": pa.string(),
    "text": pa.string(),
    "sequence": pa.int64(),
    "amount": AMOUNT,
    "moment": pa.timestamp("us", tz="UTC"),
}
SCHEMA = pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in COLUMNS])
# Few values that repeat: a dictionary makes them small. Other columns would only fill it.
_REPEATED = [column.name for column in COLUMNS if column.name.endswith("account_id")] + [
    column.name for column in COLUMNS if column.kind == "text"
]
_ROWS_IN_GROUP = 50_000


def write_rows(target: Any, rows: Iterable[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    """Writes rows of `columns.COLUMNS` to a binary file, and yields each group once it is written.

    Memory has one group at a time. The file is complete when the iterator has ended.
    """
    rows = iter(rows)
    with pq.ParquetWriter(
        target, SCHEMA, compression="zstd", use_dictionary=_REPEATED, version="2.6"
    ) as writer:
        while group := list(islice(rows, _ROWS_IN_GROUP)):
            writer.write_table(_table(group), row_group_size=_ROWS_IN_GROUP)
            yield group


def _table(rows: list[Sequence[Any]]) -> pa.Table:
    by_column = zip(*rows, strict=True)
    arrays = [
        _array(column.kind, values) for column, values in zip(COLUMNS, by_column, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _array(kind: str, values: Sequence[Any]) -> pa.Array:
    if kind == "amount":
        # A count of 1/10,000 and a decimal with four digits are the same number in memory.
        units = pa.array(values, pa.int64()).cast(_UNITS)
        return pa.Array.from_buffers(AMOUNT, len(units), units.buffers())
    if kind == "moment":
        return pa.array(values, pa.int64()).cast(_TYPES[kind])
    return pa.array(values, _TYPES[kind])
