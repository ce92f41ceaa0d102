"""When jobs are due: the syntax of BANK_JOBS, in time zones whose clocks change."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from bankproject import job_settings
from jobs.catalog import JOBS
from jobs.timetable import DueRun, parse


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# The scheduled job, now; the slot and moment of what was due last, on its own day; what comes next.
CASES = [
    ("backup@02:00", "2026-03-05 01:59", "", "2026-03-04 02:00", "2026-03-05 02:00"),
    ("backup@02:00", "2026-03-05 02:00", "", "2026-03-05 02:00", "2026-03-06 02:00"),
    ("backup@*/10m", "2026-03-05 02:19", "02:10", "2026-03-05 02:10", "2026-03-05 02:20"),
    ("backup@*/7h", "2026-03-05 23:00", "21:00", "2026-03-05 21:00", "2026-03-06 00:00"),
    ("backup@1/03:00", "2026-03-01 02:59", "", "2026-02-01 03:00", "2026-03-01 03:00"),
    ("backup@28/03:00", "2026-12-31 00:00", "", "2026-12-28 03:00", "2027-01-28 03:00"),
]


@pytest.mark.parametrize(("text", "now", "slot", "last", "following"), CASES)
def test_a_job_is_due(text: str, now: str, slot: str, last: str, following: str) -> None:
    (one,) = parse(text, JOBS)
    assert one.last_due(at(now)) == DueRun("backup", at(last).date(), slot, at(last))
    assert one.next_due(at(now)) == at(following)


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("text", ["backup@02:30", "backup@*/30m", "backup@*/7h"])
def test_the_change_of_clocks_skips_and_repeats_nothing(settings: Any, day: str, text: str) -> None:
    """Every five minutes: each run comes at its moment, and has a key of its own."""
    settings.TIME_ZONE = "Europe/Berlin"
    (one,) = parse(text, JOBS)
    now = begin = at(f"{day} 00:00") - timedelta(hours=4)
    due = one.last_due(now)
    following = one.next_due(now)
    keys = [(due.date, due.slot)]
    while now < begin + timedelta(hours=34):
        now += timedelta(minutes=5)
        due = one.last_due(now)
        assert due.at <= now < one.next_due(now)
        if (due.date, due.slot) != keys[-1]:
            assert due.at == now == following
            keys.append((due.date, due.slot))
        following = one.next_due(now)
    assert len(keys) == len(set(keys))
    assert len(keys) >= 2


@pytest.mark.parametrize(
    "text",
    [
        "verify_ledger", "nothing@02:00", "backup@24:00", "backup@02:60", "backup@2:00",
        "backup@*/0m", "backup@*/25h", "backup@29/02:00", "backup@0/02:00", "backup@*/10",
        "backup@02:00;verify_ledger@02:00", "backup@02:00,backup@03:00",
    ],
)  # fmt: skip
def test_a_wrong_text_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_JOBS", text)
    with pytest.raises(ImproperlyConfigured, match=r"^BANK_JOBS: .+\.$"):
        job_settings.read(embedded=True, archives=False)


def test_only_the_embedded_bank_has_jobs_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BANK_JOBS", "")
    names = [one.name for one in job_settings.read(embedded=True, archives=False).jobs]
    assert names == ["verify_ledger", "seal_ledger", "delete_expired"]
    assert job_settings.read(embedded=False, archives=False).jobs == ()
    monkeypatch.setenv("BANK_JOBS", "none")
    assert job_settings.read(embedded=True, archives=False).jobs == ()


def test_a_bank_that_archives_does_so_by_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    """BANK_ARCHIVE_AFTER_DAYS alone is enough; BANK_JOBS may have another time."""
    for text in ("", "none"):
        monkeypatch.setenv("BANK_JOBS", text)
        (found,) = job_settings.read(embedded=False, archives=True).jobs
        assert (found.name, found.minute, found.every) == ("archive_transactions", 120, 0)
    monkeypatch.setenv("BANK_JOBS", "archive_transactions@04:30,backup@05:00")
    found, other = job_settings.read(embedded=False, archives=True).jobs
    assert (found.minute, other.name) == (270, "backup")
