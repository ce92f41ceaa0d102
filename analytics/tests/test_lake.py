"""The lake: closed days, each row once, exact, and found out when somebody changes it."""

import json
import stat
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from analytics.lake import manifest, writing
from core.files import exclusive
from statements.tests.monthly_bank import MonthlyBank, at, make_monthly_bank
from tests.disk import recorded
from tests.factories import deposit, make_account
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

LARGEST = Decimal("99999999999.99")


@pytest.fixture
def bank() -> MonthlyBank:
    """Its oldest two transactions are archived, and one failed."""
    with at(datetime(2025, 9, 10, tzinfo=UTC)):
        rich = make_account(currency="KWD")
        deposit(rich, Decimal("0.001"))
        for _ in range(3):
            deposit(rich, LARGEST)
    return make_monthly_bank()


def called(*words: str) -> Any:
    out = StringIO()
    call_command("export_lake", *words, "--json", stdout=out)
    return json.loads(out.getvalue())


def findings(lake: Path) -> list[str]:
    out = StringIO()
    with suppress(SystemExit):
        call_command("export_lake", f"--dir={lake}", "--verify", "--json", stdout=out)
    found = json.loads(out.getvalue())["findings"]
    return [text.replace(f"{lake}/transactions/", "") for text in found]


def files(lake: Path) -> dict[str, tuple[bytes, int]]:
    found = (path for path in sorted(lake.rglob("*.parquet")) if path.is_file())
    return {path.parent.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in found}


def test_each_closed_day_is_there_once_and_exact(
    bank: MonthlyBank, settings: Any, tmp_path: Path
) -> None:
    tmp_path.chmod(0o750)
    settings.DATA_DIR, to = tmp_path, f"--dir={tmp_path}"
    call_command("archive_transactions", "--before=2025-10-01T00:00:00Z")
    assert Transaction.objects.filter(archived_at__isnull=False).count() == 5
    first = called(to, "--before=2025-10-31")
    assert (first["days"], first["rows"], first["before"]) == (2, 6, "2025-10-31")
    rest = called(to)
    assert (rest["days"], rest["rows"], rest["total_rows"]) == (2, 2, 8)
    written = files(tmp_path)
    days = ("2025-09-10", "2025-10-05", "2025-10-31", "2025-11-01")
    assert list(written) == [f"posting_day={day}" for day in days]
    assert called(to)["days"] == 0
    assert files(tmp_path) == written
    assert findings(tmp_path) == []

    path = manifest.folder_of(tmp_path, date(2025, 9, 10)) / manifest.FILE_NAME
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)]
    assert modes == [0o640, 0o750]
    rows = {row["id"]: row for path in tmp_path.rglob("*.parquet") for row in _read(path)}
    assert len(rows) == 8
    for stored in Transaction.objects.filter(status="COMPLETED"):
        row = rows[str(stored.id)]
        assert row.pop("posted_at") == stored.completed_at
        for name, value in row.items():
            of_journal = getattr(stored, name)
            assert value == (str(of_journal) if name.endswith("id") and of_journal else of_journal)
    sums = json.loads((tmp_path / "manifest.json").read_text())["days"][0]["sums"]
    assert sums == {"KWD": "299999999999.971", "USD": "100.00"}


def _read(path: Path) -> list[dict[str, Any]]:
    # Not by the folder's name, which readers of partitions take for a column.
    return list(pq.ParquetFile(path).read().to_pylist())


def test_what_somebody_changes_is_found(bank: MonthlyBank, tmp_path: Path) -> None:
    called(f"--dir={tmp_path}")
    oldest, middle, last, _ = sorted(tmp_path.rglob("*.parquet"))
    content = oldest.read_bytes()
    oldest.write_bytes(content[:-9] + b"X" + content[-8:])
    (oldest.parent / "copy.parquet").write_bytes(content)
    middle.unlink()
    known = manifest.read_manifest(tmp_path, "UTC")
    known.days = [
        manifest.WrittenDay(newest_day.day, 2, newest_day.size, newest_day.sha256, newest_day.sums)
        if (newest_day := day).day == date(2025, 11, 1)
        else day
        for day in known.days
        if day.day != date(2025, 10, 31)
    ]
    known.write(tmp_path)
    name = manifest.FILE_NAME
    assert findings(tmp_path) == [
        "posting_day=2025-09-10/copy.parquet is not in the manifest.",
        f"posting_day=2025-10-31/{name} is not in the manifest.",
        f"posting_day=2025-09-10/{name} is not the file that was written.",
        f"posting_day=2025-10-05/{name} is missing.",
        f"posting_day=2025-11-01/{name} has other rows or sums than the manifest says.",
        "2025-10-31 is not in the lake: the ledger has 1 row.",
        "2025-11-01 has 2 rows in the lake and 1 in the ledger.",
    ]
    assert last.exists()


def test_what_cannot_be_written_says_why(
    bank: MonthlyBank, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR, settings.LAKE_DIR = tmp_path, None
    calls = recorded(monkeypatch)
    assert called("--before=2025-09-11")["folder"] == str(tmp_path / "lake")
    assert calls[-8:] == [
        "fsync folder",
        "fsync temporary",
        "replace transactions.parquet",
        "fsync folder",
        "fsync folder",
        "fsync temporary",
        "replace manifest.json",
        "fsync folder",
    ]
    settings.TIME_ZONE = "Asia/Tokyo"
    code, text = refused()
    assert code == 1
    assert text.startswith(f"The days of {tmp_path}/lake are those of UTC, and the bank's are")
    with exclusive(tmp_path / "lake/.manifest.json.lock", "Mine."):
        assert refused() == (3, "Another export to the lake goes on.")
    settings.TIME_ZONE = "UTC"
    path = tmp_path / "lake/manifest.json"
    written = json.loads(path.read_text())
    day = written["days"][0]
    for wrong in (
        {},
        written | {"days": [day, day]},
        written | {"days": [day | {"sums": []}]},
        written | {"days": [day | {"sums": {"USD": "much"}}]},
        written | {"days": [day | {"rows": "many"}]},
        written | {"covered_until": "2025-09-10"},
        written | {"covered_until": None},
    ):
        path.write_text(json.dumps(wrong))
        assert refused() == (1, f"{path} is no manifest of a lake.")
    path.write_text(json.dumps(written | {"days": [day | {"sums": {"USD": "100.01"}}]}))
    code, text = refused()
    other = f"{tmp_path}/lake has other sums than the ledger since 2025-09-10. It is the lake of"
    assert (code, text[: len(other)]) == (1, other)
    path.write_text(json.dumps(written))
    assert called()["rows"] == 3
    settings.LAKE_DIR = tmp_path / "unmounted"
    assert refused() == (1, f"The folder {tmp_path}/unmounted does not exist.")


def refused() -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        called()
    return caught.value.returncode, str(caught.value)


def test_days_are_those_of_the_bank(bank: MonthlyBank, settings: Any, tmp_path: Path) -> None:
    """The last moment of October in UTC is one of November in Tokyo; small steps, too."""
    settings.TIME_ZONE = "Asia/Tokyo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_DAYS_IN_A_ROW", 1)
        called(f"--dir={tmp_path}")
    days = [name.partition("=")[2] for name in files(tmp_path)]
    assert days == ["2025-09-10", "2025-10-05", "2025-11-01"]
    assert findings(tmp_path) == []
