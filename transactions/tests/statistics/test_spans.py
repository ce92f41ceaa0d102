"""Runs of days of 24 hours: a division finds the day and the hour of each of their quarters."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from transactions.statistics.spans import (
    DAY_QUARTERS,
    HOUR_QUARTERS,
    QUARTER_SECONDS,
    Calendar,
)

# In Havana clocks change at midnight, on Lord Howe by half an hour.
ZONES = [
    *("UTC", "Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe"),
    *("Asia/Kathmandu", "Africa/Cairo"),
]


@pytest.mark.parametrize("zone", ZONES)
def test_a_division_finds_the_day_and_the_hour(zone: str) -> None:
    calendar = Calendar(ZoneInfo(zone))
    first, end = date(2026, 1, 1), date(2027, 1, 1)
    runs = [int(run.timestamp()) // QUARTER_SECONDS for run in calendar.runs(first, end)]
    assert len(runs) <= 6
    groups = set()
    for quarter in range(runs[0], runs[-1]):
        start = max(run for run in runs if run <= quarter)
        by_day, by_hour = (
            start + (quarter - start) // size * size for size in (DAY_QUARTERS, HOUR_QUARTERS)
        )
        assert calendar.day_of_quarter(by_day) == calendar.day_of_quarter(quarter)
        assert calendar.hour_of_quarter(by_hour) == calendar.hour_of_quarter(quarter)
        groups.add(by_day)
    # The 25th hour of a day is a group of its own.
    assert 365 <= len(groups) <= 366


def test_runs_end_where_the_clocks_change() -> None:
    calendar = Calendar(ZoneInfo("Europe/Berlin"))
    assert calendar.runs(date(2026, 3, 27), date(2026, 4, 2)) == [
        datetime(2026, 3, 26, 23, tzinfo=UTC),
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        datetime(2026, 4, 1, 22, tzinfo=UTC),
    ]
    one_day = calendar.runs(date(2026, 3, 29), date(2026, 3, 30))
    assert [run.hour for run in one_day] == [23, 22]


def test_a_day_that_a_zone_left_out_has_no_length() -> None:
    """Samoa had no 30 December 2011."""
    calendar = Calendar(ZoneInfo("Pacific/Apia"))
    runs = calendar.runs(date(2011, 12, 28), date(2012, 1, 2))
    assert sorted({run.isoformat()[:13] for run in runs}) == [
        *("2011-12-28T10", "2011-12-30T10", "2012-01-01T10")
    ]
