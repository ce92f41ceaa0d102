"""The OpenAPI schema of statistics, and their columns as CSV."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from core.api.describe import response_example
from core.api.fields import CurrencyField, OffsetDateTimeField
from core.api.serializers import StrictSerializer
from transactions.api.csv_list import CONTENT_TYPE, csv_text, file_example
from transactions.states import TransactionStatus, TransactionType
from transactions.statistics.report import SPLITS
from transactions.statistics.spans import Interval

TAG = "Statistics"


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"},
        "example": {"JPY": "91000", "USD": "1250.00"},
    }
)
class AmountsField(serializers.Field[Any, Any, Any, Any]):
    """Sums by currency, with exactly the digits of the currency. Currencies are never mixed."""


class ProcessingTimesSerializer(serializers.Serializer[Any]):
    """Percentiles in seconds, at most 5 % off. At least N of 100 took no longer than `pN`."""

    p50 = serializers.FloatField(min_value=0, help_text="Half of them took no longer than this.")
    p95 = serializers.FloatField(min_value=0, help_text="95 of 100 took no longer than this.")
    p99 = serializers.FloatField(min_value=0, help_text="99 of 100 took no longer than this.")


class StatisticsRowSerializer(serializers.Serializer[Any]):
    """The transactions made in one interval, of one group if `by` splits it."""

    start = OffsetDateTimeField(help_text="The start of the interval (UTC).")
    end = OffsetDateTimeField(help_text="The end of the interval (UTC), where the next one begins.")
    type = serializers.ChoiceField(
        TransactionType.choices, required=False, help_text="Only if `by` has it."
    )
    currency = CurrencyField(required=False, help_text="Only if `by` has it.")
    status = serializers.ChoiceField(
        TransactionStatus.choices, required=False, help_text="Only if `by` has it."
    )
    failure_code = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Only if `by` has it; null for those that have not failed.",
    )
    count = serializers.IntegerField(min_value=1, help_text="How many were made.")
    completed = serializers.IntegerField(min_value=0, help_text="How many of them are COMPLETED.")
    failed = serializers.IntegerField(min_value=0, help_text="How many of them are FAILED.")
    waiting = serializers.IntegerField(min_value=0, help_text="How many of them have not ended.")
    failed_share = serializers.FloatField(
        min_value=0, max_value=1, help_text="`failed` divided by `count`, to six decimals."
    )
    amounts = AmountsField(help_text="The amounts of all of them, summed by currency.")
    completed_amounts = AmountsField(
        help_text="The amounts of the completed ones: the money that moved, by currency."
    )
    processing_seconds = ProcessingTimesSerializer(
        allow_null=True,
        help_text="From creation to completion or failure, of those that have ended; null if none"
        " has.",
    )


class StatisticsSerializer(serializers.Serializer[Any]):
    """Statistics of the transactions made in a span of days."""

    to = serializers.DateField(help_text="The first day after the span.")
    time_zone = serializers.CharField(help_text="The bank's time zone, which its days follow.")
    interval = serializers.ChoiceField(
        [str(each) for each in Interval], help_text="The length of an interval."
    )
    by = serializers.ListField(
        child=serializers.ChoiceField(SPLITS), help_text="What splits an interval into groups."
    )
    results = StatisticsRowSerializer(
        many=True, help_text="By time, then by group. A row without transactions is left out."
    )

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword of Python, so no attribute of a class can have this name.
        first = serializers.DateField(help_text="The first day of the span.")
        return {"from": first, **super().get_fields()}


_EXAMPLE = {
    "from": "2026-01-01",
    "to": "2026-02-01",
    "time_zone": "UTC",
    "interval": "month",
    "by": ["type"],
    "results": [
        {
            "start": "2026-01-01T00:00:00.000000Z",
            "end": "2026-02-01T00:00:00.000000Z",
            "type": "TRANSFER",
            "count": 412,
            "completed": 400,
            "failed": 10,
            "waiting": 2,
            "failed_share": 0.024272,
            "amounts": {"JPY": "91000", "USD": "20480.75"},
            "completed_amounts": {"JPY": "91000", "USD": "19310.25"},
            "processing_seconds": {"p50": 0.0, "p95": 0.455, "p99": 3650.0},
        }
    ],
}

_COUNTS = ("count", "completed", "failed", "waiting", "failed_share")
_SUMS = ("amounts", "completed_amounts")
_TIMES = ("p50", "p95", "p99")


def statistics_csv(body: dict[str, Any]) -> str:
    """The rows of the body, each on a line: two sums for each currency of the body."""
    rows, by = body["results"], body["by"]
    currencies = sorted({currency for row in rows for currency in row["amounts"]})
    plain = ("start", "end", *by, *_COUNTS)
    sums = [(name, currency) for currency in currencies for name in _SUMS]
    columns = (
        *plain,
        *(f"{name}_{currency}" for name, currency in sums),
        *(f"processing_seconds_{name}" for name in _TIMES),
    )
    return csv_text(columns, [_cells(row, plain, sums) for row in rows])


def _cells(row: dict[str, Any], plain: Sequence[str], sums: list[tuple[str, str]]) -> list[Any]:
    times = row["processing_seconds"] or {}
    return [
        *(row[name] for name in plain),
        *(row[name].get(currency) for name, currency in sums),
        *(times.get(name) for name in _TIMES),
    ]


def read_statistics(query: type[StrictSerializer]) -> Any:
    return extend_schema(
        operation_id="statistics",
        tags=[TAG],
        summary="Statistics of the bank",
        description="Counts, sums, failures and processing times of the transactions made on some"
        " days, archived ones included, as they are now. For staff only. A transaction belongs to"
        " the interval in which it was made, also if it ended later. Days are those of the bank's"
        " time zone, from `from` up to but not including `to`: at most 31 by hour, 366 by"
        " day and 3,660 by month. Percentiles come from a histogram and are at most 5 % off. As CSV"
        " each row is a line. Each currency has columns of its own, such as `amounts_USD` and"
        " `completed_amounts_USD`; those without money of the row are empty.",
        parameters=[query],
        # The response is one object, not a list.
        responses={
            (200, "application/json"): extend_schema_serializer(many=False)(StatisticsSerializer),
            (200, CONTENT_TYPE): OpenApiTypes.STR,
        },
        examples=[
            response_example("Statistics", _EXAMPLE),
            file_example(statistics_csv(_EXAMPLE)),
        ],
    )
