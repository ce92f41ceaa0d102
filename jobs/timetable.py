"""When jobs are due: what BANK_JOBS says, as `verify_ledger@02:00,seal_ledger@*/10m`."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

# The value that switches all jobs off, where a bank has some by default.
NONE = "none"
_ITEM = re.compile(
    r"(?P<name>[a-z_]+)@(?:\*/(?P<every>\d{1,4})(?P<unit>[mh])"
    r"|(?:(?P<day>\d{1,2})/)?(?P<hour>\d{2}):(?P<minute>\d{2}))"
)
_DAY_MINUTES = 24 * 60
_LAST_DAY = 28  # Of every month.


@dataclass(frozen=True, slots=True)
class DueRun:
    """A run of a job for a business date and slot, and when it is due (aware)."""

    name: str
    date: date
    slot: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """A job every day at a time, on a day of each month, or every so many minutes of the day.

    `minute` counts from midnight in the bank's time zone. `every` is in minutes, 0 for once a day.
    `day` is 1 to 28, or 0 for every day.
    """

    name: str
    minute: int = 0
    every: int = 0
    day: int = 0

    def last_due(self, now: datetime) -> DueRun:
        """The last run that became due until `now`."""
        today = _day_of(now)
        if self.every:
            minutes = int((now - _wall(today, 0)).total_seconds() // 60)
            return self._slot(today, minutes // self.every * self.every)
        day = today.replace(day=self.day) if self.day else today
        if _wall(day, self.minute) > now:
            day = (day.replace(day=1) if self.day else day) - timedelta(days=1)
            day = day.replace(day=self.day) if self.day else day
        return DueRun(self.name, day, "", _wall(day, self.minute))

    def next_due(self, now: datetime) -> datetime:
        """When the job is due after `now`."""
        today = _day_of(now)
        if self.every:
            after = self.last_due(now).at + timedelta(minutes=self.every)
            return min(after, _wall(today + timedelta(days=1), 0))
        day = today.replace(day=self.day) if self.day else today
        while (at := _wall(day, self.minute)) <= now:
            if self.day:
                day = (day.replace(day=1) + timedelta(days=32)).replace(day=self.day)
            else:
                day += timedelta(days=1)
        return at

    def _slot(self, day: date, minutes: int) -> DueRun:
        """Slots count from midnight, so an hour that comes twice has slots of its own."""
        at = _wall(day, 0) + timedelta(minutes=minutes)
        return DueRun(self.name, day, f"{minutes // 60:02}:{minutes % 60:02}", at)


def parse(text: str, known: Collection[str]) -> tuple[ScheduledJob, ...]:
    """The scheduled jobs of a comma-separated text. Raises ValueError with a sentence."""
    if text == NONE:
        return ()
    found = tuple(_parsed(item.strip(), known) for item in text.split(",") if item.strip())
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{name} is named twice.")
    return found


def _parsed(item: str, known: Collection[str]) -> ScheduledJob:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(
            f"{item!r} is not like verify_ledger@02:00, seal_ledger@*/10m or"
            " issue_statements@1/03:00."
        )
    if match["name"] not in known:
        raise ValueError(f"There is no job {match['name']!r}: {', '.join(known)}.")
    if match["every"]:
        every = int(match["every"]) * (60 if match["unit"] == "h" else 1)
        if not 1 <= every <= _DAY_MINUTES:
            raise ValueError(f"{item!r} must be every 1 to {_DAY_MINUTES} minutes.")
        return ScheduledJob(match["name"], every=every)
    hour, minute, day = int(match["hour"]), int(match["minute"]), int(match["day"] or 0)
    if hour > 23 or minute > 59:
        raise ValueError(f"{item!r} has no time of a day.")
    if match["day"] and not 1 <= day <= _LAST_DAY:
        raise ValueError(f"{item!r} must have a day from 1 to {_LAST_DAY}.")
    return ScheduledJob(match["name"], minute=60 * hour + minute, day=day)


def _day_of(moment: datetime) -> date:
    return timezone.localdate(moment, timezone.get_default_timezone())


def _wall(day: date, minute: int) -> datetime:
    """The moment at which clocks show this time. If they skip it, the moment of the change."""
    zone = timezone.get_default_timezone()
    wall = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return wall.astimezone(ZoneInfo("UTC"))
