"""Days and hours of the bank's time zone, found from quarters of an hour.

Since 1972 every midnight of every time zone is at a quarter of an hour of UTC, so a count of
quarters adds up to days and hours of any of them, without any time zone in SQL.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from django.utils import timezone

from core.days import midnight

QUARTER_SECONDS = 900
HOUR_QUARTERS, DAY_QUARTERS = 4, 96
_HOUR_SECONDS = 3600


class Interval(StrEnum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


# The longest span of each interval, in days.
LONGEST = {Interval.HOUR: 31, Interval.DAY: 366, Interval.MONTH: 3660}


def zone() -> tzinfo:
    """The bank's own time zone, whatever that of the caller."""
    return timezone.get_default_timezone()


@dataclass(slots=True)
class Calendar:
    """The day and hour of each quarter. Remembers what it has found."""

    zone: tzinfo = field(default_factory=zone)
    _days: dict[int, date] = field(default_factory=dict)
    _midnights: dict[date, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the time zone in the IANA database."""
        return str(self.zone)

    def start_of(self, day: date) -> datetime:
        """When the day begins, in UTC, which has no hours that are missing or repeated."""
        return midnight(day, self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        return timezone.localdate(moment, self.zone)

    def day_of_quarter(self, quarter: int) -> date:
        """The day of a quarter, counted from 1970."""
        if (day := self._days.get(quarter)) is None:
            moment = datetime.fromtimestamp(quarter * QUARTER_SECONDS, UTC)
            day = self._days[quarter] = self.day_of(moment)
        return day

    def hour_of_quarter(self, quarter: int) -> int:
        """The start of its hour, in seconds since 1970. Hours are counted from midnight."""
        day = self.day_of_quarter(quarter)
        if (start := self._midnights.get(day)) is None:
            start = self._midnights[day] = int(self.start_of(day).timestamp())
        seconds = quarter * QUARTER_SECONDS - start
        return start + seconds // _HOUR_SECONDS * _HOUR_SECONDS

    def runs(self, first: date, end: date) -> list[datetime]:
        """Midnights from that of `first` to that of `end`, between which all days have 24 hours.

        So a quarter is in the day, or in the hour, that a division by their length finds. Days on
        which the clocks change are runs of their own.
        """
        days = (end - first).days
        starts = [self.start_of(first + timedelta(days=ahead)) for ahead in range(days + 1)]
        lengths = [after - start for start, after in pairwise(starts)]
        usual = timedelta(days=1)
        found = [
            start
            for place, start in enumerate(starts[:-1])
            if place == 0 or lengths[place] != usual or lengths[place - 1] != usual
        ]
        return [*found, starts[-1]]

    def bounds(self, interval: Interval, key: date | int) -> tuple[datetime, datetime]:
        """Start and end of an interval, in UTC. `key` is its first day, or the start of an hour."""
        if isinstance(key, int):
            start = datetime.fromtimestamp(key, UTC)
            next_day = self.start_of(self.day_of(start) + timedelta(days=1))
            # Where the clocks change by half an hour, the last hour of the day is shorter.
            return start, min(start + timedelta(hours=1), next_day)
        end = key + timedelta(days=1) if interval is Interval.DAY else next_month(key)
        return self.start_of(key), self.start_of(end)

    def starts(self, interval: Interval, first: date, end: date) -> list[datetime]:
        """The start of each interval from the day `first` until before the day `end`."""
        moment, stop = self.start_of(first), self.start_of(end)
        starts = []
        while moment < stop:
            starts.append(moment)
            moment = self.bounds(interval, self.key_of(interval, moment))[1]
        return starts

    def key_of(self, interval: Interval, moment: datetime) -> date | int:
        """What `bounds` takes for the interval of this moment."""
        if interval is Interval.HOUR:
            return self.hour_of_quarter(int(moment.timestamp()) // QUARTER_SECONDS)
        day = self.day_of(moment)
        return day.replace(day=1) if interval is Interval.MONTH else day


def next_month(day: date) -> date:
    """The first day of the month after that of `day`."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
