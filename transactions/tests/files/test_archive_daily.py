"""The worker archives once a day, and no failure of that ends a worker."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from transactions.archive.daily import DailyArchive, is_due
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.models import ArchiveRun
from transactions.queue.worker import Worker
from transactions.tests.archiving import ORIGIN, archived_ids, make_bank, prove

pytestmark = pytest.mark.django_db(transaction=True)

NIGHT = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
PATIENCE_SECONDS = 30


def look(daily: DailyArchive) -> None:
    daily.look()
    daily.wait(PATIENCE_SECONDS)


def runs() -> list[tuple[str, int]]:
    return list(ArchiveRun.objects.order_by("id").values_list("caller", "rows"))


def test_one_worker_makes_the_run_of_a_day(archive_file: Path, settings: Any) -> None:
    settings.ARCHIVE_AFTER_DAYS = 90
    bank = make_bank()
    with time_machine.travel(NIGHT, tick=False):
        look(DailyArchive("worker:a"))
        look(DailyArchive("worker:b"))
    assert runs() == [("worker:a", 2)]
    assert archived_ids() == bank.ids[:2]
    # A manual run is not the worker's, and until two o'clock it is still the day before.
    with time_machine.travel(NIGHT + timedelta(hours=23, minutes=59), tick=False):
        archive(Selection(keep_last=5), origin=ORIGIN)
        look(DailyArchive("worker:b"))
        assert not is_due()
    with time_machine.travel(NIGHT + timedelta(hours=24), tick=False):
        assert is_due()
        look(DailyArchive("worker:b"))
    assert runs() == [("worker:a", 2), ("job:tests", 0), ("worker:b", 1)]
    prove(archive_file)


def test_it_is_off_unless_asked_for(archive_file: Path) -> None:
    look(DailyArchive("worker:a"))
    assert runs() == []


def test_a_run_that_was_told_to_stop_is_not_the_day_s_run(
    archive_file: Path, settings: Any
) -> None:
    settings.ARCHIVE_AFTER_DAYS = 30
    make_bank()
    with time_machine.travel(NIGHT, tick=False):
        stopped = DailyArchive("worker:a")
        stopped.stop()
        look(stopped)
        assert ArchiveRun.objects.get().problem
    with time_machine.travel(NIGHT + timedelta(minutes=1), tick=False):
        look(DailyArchive("worker:b"))
    assert runs() == [("worker:a", 0), ("worker:b", 5)]


def test_a_failure_is_logged_and_the_worker_lives(
    archive_file: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ARCHIVE_AFTER_DAYS = 30
    make_bank()
    archive_file.symlink_to("/etc/hostname")
    worker = Worker()
    worker.stop()
    with caplog.at_level(logging.ERROR, "core.background"):
        worker._upkeep()
        worker._daily_archive.wait(PATIENCE_SECONDS)
    (record,) = caplog.records
    assert "symbolic link" in record.getMessage()
    assert worker.run() == 0
    archive_file.unlink()
    # The same worker does not retry it at once, but another one does.
    worker._next_upkeep = 0
    worker._upkeep()
    assert runs() == []
    look(DailyArchive("worker:b"))
    assert runs() == [("worker:b", 5)]
    prove(archive_file)


def test_a_worker_makes_it_beside_its_work(archive_file: Path, settings: Any) -> None:
    settings.ARCHIVE_AFTER_DAYS = 30
    make_bank()
    worker = Worker()
    worker._upkeep()
    worker._daily_archive.wait(PATIENCE_SECONDS)
    worker.stop()
    worker.run()
    assert runs() == [(worker.origin.caller, 5)]


def test_a_worker_that_ends_by_itself_leaves_it_alone(archive_file: Path, settings: Any) -> None:
    settings.ARCHIVE_AFTER_DAYS = 30
    assert Worker(once=True).run() == 0
    assert runs() == []
