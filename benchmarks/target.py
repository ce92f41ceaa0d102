"""What a job works on."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bank that is ready for load; this travels to the process that runs the job.

    `database_url` is empty for SQLite, and `postgresql_bindir` None. The web server, if there is
    one, listens on `port` of 127.0.0.1 and takes `token`. All accounts are in USD and rich enough
    for any load.
    """

    database_url: str
    postgresql_bindir: Path | None
    pgbench_scale: int
    port: int | None
    token: str
    account_ids: list[UUID]


class CannotMeasure(Exception):
    """This machine lacks what a case needs; the message says what."""
