"""An export to the lake that is killed at every step: whole days only."""

import json
import signal
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from analytics.lake.manifest import FILE_NAME, NAME, folder_of
from analytics.lake.verifying import verify
from analytics.lake.writing import export
from core.failpoints import FAILPOINTS
from statements.tests.monthly_bank import make_monthly_bank
from tests.concurrency.tally import Tally
from tests.crash.processes import Workers

pytestmark = pytest.mark.django_db(transaction=True)

# The step at which a run dies: files by then, and days in the manifest.
POINTS = {
    "lake.half_written": (0, 0),
    "lake.day_sealed": (0, 0),
    "lake.day_published": (1, 0),
    "lake.manifest_published": (4, 4),
}


def test_every_point_is_killed_below() -> None:
    assert list(POINTS) == [name for name in FAILPOINTS if name.startswith("lake.")]


def test_killed_at_each_step(
    queue_workers: Workers, tally: Tally, tmp_path: Path, patient: None
) -> None:
    make_monthly_bank()
    for point, (files, named) in POINTS.items():
        lake = tmp_path / point
        lake.mkdir()
        killed = queue_workers.run("export_lake", f"--dir={lake}", failpoints=f"{point}=kill")
        assert killed.exit_code() == -signal.SIGKILL, killed.log.read_text()
        written = sorted(lake.rglob("*.parquet"))
        assert [pq.ParquetFile(path).metadata.num_rows for path in written] == [1] * files
        manifest = lake / NAME
        days = json.loads(manifest.read_text())["days"] if manifest.exists() else []
        assert len(days) == named
        assert verify(lake)[1] == []
        assert export(lake).manifest.rows == 4
        assert verify(lake)[1] == []
        assert len(list(lake.rglob("*.parquet"))) == 4
        assert list(lake.rglob("*.unfinished")) == []
        assert (folder_of(lake, date(2025, 9, 10)) / FILE_NAME).exists()
        tally.add("exports to the lake killed")
