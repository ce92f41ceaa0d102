"""Edge cases of the archive: equal times, bytes on disk before the commit, a link to its folder."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from core.database import create_objects, drop_objects
from tests.factories import deposit, make_account
from transactions.archive import runs
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Deposit
from transactions.exports.export import export
from transactions.ledger.processor import process
from transactions.models import ArchiveSegment, Transaction
from transactions.tests.archiving import ORIGIN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_DIR = tmp_path / "data"
    settings.DATA_DIR.mkdir()
    return settings.DATA_DIR


def test_batches_take_all_that_was_completed_at_one_moment(folder: Path) -> None:
    account = make_account()
    process([Deposit(account_id=account.id, amount=Decimal(each)) for each in range(1, 6)], ORIGIN)
    drop_objects(connection, kinds=("trigger",))
    Transaction.objects.update(completed_at=F("created_at"))
    create_objects(connection)
    assert Transaction.objects.values("completed_at").distinct().count() == 1
    outcome = archive(Selection(keep_last=0), origin=ORIGIN, batch_size=2)
    assert outcome is not None
    assert outcome.run.rows == 5
    assert not Transaction.objects.filter(archived_at__isnull=True).exists()


def test_lines_are_durable_before_they_are_recorded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, disk: list[str]
) -> None:
    deposit(make_account(), 5)
    create = ArchiveSegment.objects.create

    def recorded_create(**columns: Any) -> ArchiveSegment:
        disk.append("recorded")
        return create(**columns)

    monkeypatch.setattr(runs.ArchiveSegment.objects, "create", recorded_create)
    archive(Selection(keep_last=0), origin=ORIGIN)
    name = "archived_transactions.csv"
    header = ["fsync temporary", f"replace {name}", "fsync folder"]
    assert disk == [*header, f"fsync {name}", "recorded"]


def test_a_cut_is_durable_before_a_run_goes_on(folder: Path, disk: list[str]) -> None:
    """The tail is kept first: once it is cut off, its copy is all that there is."""
    deposit(make_account(), 5)
    archive(Selection(keep_last=0), origin=ORIGIN)
    name = "archived_transactions.csv"
    with (folder / name).open("ab") as file:
        file.write(b"nobody knows")
    deposit(make_account(), 5)
    disk.clear()
    archive(Selection(keep_last=0), origin=ORIGIN)
    (kept,) = folder.glob(f"{name}.cut-*")
    copied = ["fsync temporary", f"replace {kept.name}", "fsync folder"]
    assert disk == [*copied, f"cut {name}", f"fsync {name}", f"fsync {name}"]


def test_an_export_through_a_link_leaves_the_live_archive_alone(
    folder: Path, tmp_path: Path
) -> None:
    deposit(make_account(), 5)
    archive(Selection(keep_last=0), origin=ORIGIN)
    live = folder / "archived_transactions.csv"
    before = (live.stat().st_ino, live.read_bytes())
    link = tmp_path / "link"
    link.symlink_to(folder)
    manifest = export(link)
    assert (live.stat().st_ino, live.read_bytes()) == before
    assert "archived_transactions.csv" in {entry.name for entry in manifest.files}
