"""The API of statistics: what the bank did, by interval."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, ClassVar

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers, viewsets
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock
from core.api.fields import StrictDateField, rfc_3339
from core.api.negotiation import FormatIsAParameter
from core.api.permissions import RuleOfEachAction
from core.api.renderers import BankJSONRenderer
from core.api.requests import parse_query
from core.api.serializers import StrictSerializer
from core.errors import FieldError, InvalidInput
from core.money import format_units
from transactions.api import statistics_schema as schema
from transactions.api.csv_list import CSVRenderer, csv_headers
from transactions.api.permissions import CanReadStatistics
from transactions.statistics.buckets import percentile
from transactions.statistics.report import (
    SPLITS,
    Statistics,
    StatisticsRow,
    WantedStatistics,
    statistics,
)
from transactions.statistics.spans import LONGEST, Calendar, Interval

# The span of a request without days: with today.
DAYS_BY_DEFAULT = 30
# Memory and time of an answer stay bounded, whatever it is split by.
MOST_ROWS = 20_000
PERCENTS = (50, 95, 99)
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


@extend_schema_field(
    {"type": "string", "pattern": f"^({'|'.join(SPLITS)})(,({'|'.join(SPLITS)}))*$"}
)
class SplitField(serializers.Field[Any, Any, Any, Any]):
    """Names of SPLITS with commas between them. Their order and repetitions mean nothing."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        names = set(str(data).split(","))
        if unknown := sorted(names - set(SPLITS)):
            detail = f'"{unknown[0][:40]}" is none of {", ".join(SPLITS)}.'
            raise ValidationError(detail, code="invalid_choice")
        return tuple(name for name in SPLITS if name in names)


class StatisticsQuery(StrictSerializer):
    """Query parameters of `statistics/`. `from` is a word of Python, so a class cannot have it."""

    format = serializers.ChoiceField(
        [("json", "one object"), ("csv", "a line for each row")],
        required=False,
        help_text="Overrides Accept: `application/json` or `text/csv`.",
    )
    to = StrictDateField(
        required=False, help_text="The day before which they end. Default: tomorrow."
    )
    interval = serializers.ChoiceField(
        [(each.value, f"at most {LONGEST[each]} days") for each in Interval],
        default=Interval.DAY.value,
        help_text="What a row spans.",
    )
    by = SplitField(
        required=False,
        help_text="What else a row is split by: `type`, `currency`, `status`, `failure_code`,"
        " with commas between them.",
    )

    def get_fields(self) -> dict[str, Any]:
        first = StrictDateField(
            required=False,
            help_text=f"The first day (YYYY-MM-DD, in the bank's time zone). Default:"
            f" {DAYS_BY_DEFAULT} days before `to`.",
        )
        return {"from": first, **super().get_fields()}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Adds the days that were left out. Reports a span that is empty or too long."""
        first, end = _days(attrs.get("from"), attrs.get("to"))
        longest = LONGEST[Interval(attrs["interval"])]
        if end <= first:
            error = ErrorDetail("The span is empty: `to` is not after `from`.", code="empty_span")
            raise ValidationError({"to": [error]})
        if (end - first).days > longest:
            detail = f"By {attrs['interval']}, statistics span at most {longest} days."
            raise ValidationError({"to": [ErrorDetail(detail, code="span_too_long")]})
        return {**attrs, "from": first, "to": end}


def _days(first: date | None, end: date | None) -> tuple[date, date]:
    for name, day in (("from", first), ("to", end)):
        if day is not None and not _FIRST_YEAR < day.year <= _LAST_YEAR:
            error = ErrorDetail("That day is out of range.", code="out_of_range")
            raise ValidationError({name: [error]})
    if end is None:
        tomorrow = Calendar().day_of(clock.about_now()) + timedelta(days=1)
        # Later days have nothing to count, and yet may be asked for.
        end = tomorrow if first is None or first < tomorrow else first + timedelta(days=1)
    return first or end - timedelta(days=DAYS_BY_DEFAULT), end


class StatisticsViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Statistics of the whole bank, for staff."""

    content_negotiation_class = FormatIsAParameter
    http_method_names = ("get", "head")
    renderer_classes = (BankJSONRenderer, CSVRenderer)
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {"list": CanReadStatistics}

    @schema.read_statistics(StatisticsQuery)
    def list(self, request: Request) -> HttpResponseBase:
        query = parse_query(StatisticsQuery, request)
        wanted = WantedStatistics(
            first=query["from"],
            end=query["to"],
            interval=Interval(query["interval"]),
            by=query.get("by", ()),
        )
        found = statistics(wanted)
        if len(found.rows) > MOST_ROWS:
            detail = f"The answer would have over {MOST_ROWS:,} rows. Ask for fewer days or splits."
            raise InvalidInput(errors=[FieldError("by", "too_many_rows", detail)])
        body = represent_statistics(found)
        if request.accepted_renderer.format != CSVRenderer.format:
            return Response(body)
        name = f"statistics-{body['from']}-{body['to']}"
        return HttpResponse(schema.statistics_csv(body), headers=csv_headers(name))


def represent_statistics(found: Statistics) -> dict[str, Any]:
    """The members of `StatisticsSerializer`."""
    return {
        "from": found.wanted.first.isoformat(),
        "to": found.wanted.end.isoformat(),
        "time_zone": found.zone,
        "interval": str(found.wanted.interval),
        "by": list(found.wanted.by),
        "results": [_represent(row, found.wanted.by) for row in found.rows],
    }


def _represent(row: StatisticsRow, by: tuple[str, ...]) -> dict[str, Any]:
    total = row.total
    return {
        "start": rfc_3339(row.start),
        "end": rfc_3339(row.end),
        **{name: value or None for name, value in zip(by, row.group, strict=True)},
        "count": total.count,
        "completed": total.completed,
        "failed": total.failed,
        "waiting": total.waiting,
        "failed_share": total.failed_share,
        "amounts": _amounts(total.amounts),
        "completed_amounts": _amounts(total.completed_amounts),
        "processing_seconds": _times(total.times),
    }


def _amounts(units: Mapping[str, int]) -> dict[str, str]:
    return {currency: format_units(sum_, currency) for currency, sum_ in sorted(units.items())}


def _times(times: Mapping[int, int]) -> dict[str, float] | None:
    found = {f"p{percent}": percentile(times, percent) for percent in PERCENTS}
    return {name: time / 10**6 for name, time in found.items() if time is not None} or None
