"""The job `backup`: one file for a date, the newest kept, everybody else's left alone."""

from datetime import timedelta
from typing import Any

import pytest

from core.background import JobFailed
from deploy import backups
from jobs.backup import make_backup
from jobs.tests.daily_bank import DAY, DailyBank

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_date_has_one_backup_and_the_newest_are_kept(
    daily_bank: DailyBank, settings: Any, tmp_path: Any
) -> None:
    settings.BACKUP_KEEP = 2
    ending = "dump" if settings.DATABASE_URL else "sqlite3"
    others = {"bank-20200101T000000Z.dump", "bank-20200101.dump.old", "notes"}
    for name in others:
        (daily_bank.backups / name).write_text("mine")
    for ahead in range(3):
        made = make_backup(DAY + timedelta(days=ahead), "")
        assert made["is_new"]
        assert made["deleted"] == (ahead == 2)
    before = (daily_bank.backups / f"bank-20251203.{ending}").read_bytes()
    again = make_backup(DAY + timedelta(days=2), "")
    assert (again["is_new"], again["bytes"]) == (False, len(before))
    names = {path.name for path in daily_bank.backups.iterdir() if path.name[0] != "."}
    kept = {f"bank-{day}.{ending}" for day in (20251202, 20251203)}
    assert names == others | kept | {f"{name}.sha256" for name in kept}
    if not settings.DATABASE_URL:
        place = {"BANK_DATA_DIR": str(tmp_path / "restored")}
        backups.place(daily_bank.backups / f"bank-20251203.{ending}", place)


def test_a_late_backup_of_an_old_date_is_not_deleted_at_once(
    daily_bank: DailyBank, settings: Any
) -> None:
    """The next one deletes it."""
    settings.BACKUP_KEEP = 1
    days = []
    for ahead, deleted in ((0, 0), (-1, 0), (-1, 0), (1, 2)):
        made = make_backup(DAY + timedelta(days=ahead), "")
        assert made["deleted"] == deleted
        days.append(sorted(path.stem for path in daily_bank.backups.glob("bank-*.sha256")))
    ending = "dump" if settings.DATABASE_URL else "sqlite3"
    both = [f"bank-20251130.{ending}", f"bank-20251201.{ending}"]
    assert days == [both[1:], both, both, [f"bank-20251202.{ending}"]]


def test_a_folder_that_is_not_there_is_told(daily_bank: DailyBank, settings: Any) -> None:
    settings.BACKUP_DIR = daily_bank.backups / "unmounted"
    with pytest.raises(JobFailed, match="There is no folder"):
        make_backup(DAY, "")
