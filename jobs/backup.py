"""The job that backs the bank up: one file for each date, the newest ones kept."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings

from core.background import JobFailed
from core.failpoints import failpoint
from core.single_run import single_run

# Any constant that nothing else uses.
_ADVISORY_LOCK = 0x42_41_43_4B
# Only the files of this job, and none that somebody has put beside them.
_NAME = re.compile(r"bank-\d{8}(-\d{4})?\.(dump|sqlite3)")


def make_backup(day: date, slot: str) -> Mapping[str, Any]:
    """Writes the backup of a date into BANK_BACKUP_DIR unless it is there, and deletes old ones.

    Raises JobFailed, FileProblem, and FileBusy while another process does the same.
    """
    from deploy.backups import BackupFailed, ending, write_backup

    if settings.BACKUP_DIR is None:
        raise JobFailed("BANK_BACKUP_DIR names no folder for backups.")
    folder: Path = settings.BACKUP_DIR
    if not folder.is_dir():
        # A folder that is made here may be on another disk than the one that is not mounted.
        raise JobFailed(f"There is no folder {folder}. Mount its disk, or make it.")
    bank = {"DATABASE_URL": settings.DATABASE_URL, "BANK_DATA_DIR": str(settings.DATA_DIR)}
    stem = "-".join(filter(None, (f"bank-{day:%Y%m%d}", slot.replace(":", ""))))
    path = folder / f"{stem}.{ending(bank)}"
    with single_run(path, number=_ADVISORY_LOCK, busy="Another backup is being made."):
        failpoint("backup.began")
        # The file gets its name when it is whole, its digest beside it.
        is_new = not path.exists()
        if is_new:
            try:
                write_backup(path, bank, written=lambda: failpoint("backup.half_written"))
            except BackupFailed as error:
                raise JobFailed(str(error)) from error
        failpoint("backup.written")
        deleted = _delete_old(folder, keep=settings.BACKUP_KEEP, made=path)
    return {
        "file": str(path),
        "bytes": path.stat().st_size,
        "is_new": is_new,
        "deleted": len(deleted),
    }


def _delete_old(folder: Path, *, keep: int, made: Path) -> list[Path]:
    """Deletes all but the newest backups of this job, with their digests; returns which.

    What was made just now stays for the moment, even if its date is older than all others.
    """
    from deploy.backups import sidecar

    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))
    old = [path for path in found[:-keep] if path != made] if keep else []
    for path in old:
        path.unlink(missing_ok=True)
        sidecar(path).unlink(missing_ok=True)
    return old
