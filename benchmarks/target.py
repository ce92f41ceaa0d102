"""The target of a job: a bank and its accounts."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID


@dataclass(frozen=True, slots=True)
class People:
    """The accounts of a bank, in USD and rich enough for any load, and a client of the API.

    The load falls on `account_ids`. `busy_id` is part of every transaction stored before, and gets
    no load.
    """

    account_ids: list[UUID]
    busy_id: UUID
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bank ready for load; it is passed to the process that runs the job.

    For SQLite `database_url` is empty and `postgresql_bindir` None. `stored_between` has the first
    and last moment of the transactions stored before; None without any. The web server, if there is
    one, listens on `port` of 127.0.0.1. `server_pid` and `database_pid` are the first processes of
    the web server and of PostgreSQL; all their others descend from these.
    """

    people: People
    database_url: str = ""
    postgresql_bindir: Path | None = None
    pgbench_scale: int = 1
    stored_between: tuple[datetime, datetime] | None = None
    port: int | None = None
    server_pid: int | None = None
    database_pid: int | None = None


class CannotMeasure(Exception):
    """This machine or the bank lacks what a case needs; the message says what."""
