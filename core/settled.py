"""A moment until which nothing more can be posted, found without a lock."""

import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from core import clock
from core.contention import retrying
from core.errors import Busy
from core.sql.cursors import prepared_rows

# A posting transaction gets its database id before its moment. So if it had a moment when this
# statement began, its id is lower than the id that this statement gets.
_BEGIN = "SELECT statement_timestamp(), pg_current_xact_id()::text::bigint"
# All transactions with lower ids have ended.
_OLDEST = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_LOOK_SECONDS = 0.005


def settled_moment() -> datetime:
    """A moment of the bank's clock until which nothing more can be posted to any account.

    For internal accounts, which are never locked, and for summaries of days. Waits for all
    transactions under way at the call, and blocks nobody. Raises Busy if that takes longer than the
    lock time-out. Do not call it inside a transaction.
    """
    if connection.vendor == "sqlite":
        return retrying(clock.now, keep=False)
    deadline = time.monotonic() + settings.LOCK_TIMEOUT_SECONDS
    moment, after_all = _row(_BEGIN)
    while _row(_OLDEST)[0] < after_all:
        if time.monotonic() > deadline:
            raise Busy("Postings are on their way. Nothing was done.")
        time.sleep(_LOOK_SECONDS)
    return clock.as_told(moment)


def _row(statement: str) -> tuple[Any, ...]:
    return prepared_rows(statement)[0]
