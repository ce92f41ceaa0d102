"""Settings of the jobs."""

from pathlib import Path

from bankproject import environment


def backups() -> tuple[Path | None, int]:
    """The folder for backups, if one is set, and how many of them the job keeps; 0 keeps all."""
    folder = environment.text("BANK_BACKUP_DIR")
    keep = environment.integer("BANK_BACKUP_KEEP", default=7)
    return (Path(folder).resolve() if folder else None), keep
