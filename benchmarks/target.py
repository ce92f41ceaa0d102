"""What a job works on."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class People:
    """Who a bank has: accounts in USD, rich enough for any load, and a client of the API.

    The load falls on `account_ids`. `busy_id` has a side in every transaction that was stored
    before, and the load leaves it alone.
    """

    account_ids: list[UUID]
    busy_id: UUID
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bank that is ready for load; this travels to the process that runs the job.

    `database_url` is empty for SQLite, and `postgresql_bindir` None. `stored_between` are the first
    and the last moment of the transactions that were stored before; None if there are none. The web
    server, if there is one, listens on `port` of 127.0.0.1.
    """

    people: People
    database_url: str = ""
    postgresql_bindir: Path | None = None
    pgbench_scale: int = 1
    stored_between: tuple[datetime, datetime] | None = None
    port: int | None = None


class CannotMeasure(Exception):
    """This machine lacks what a case needs; the message says what."""
