"""What a new connection may read is on a standby first.

A COMMIT is answered when a standby has it too (`synchronous_commit`). If the primary dies before
the standby has it, nobody was answered. But a primary that restarts shows such a transaction at
once, and a repeated request would hear that it is done. If the primary is lost then, that answer
was wrong. So each new connection first commits an empty record of its own, and PostgreSQL answers
that COMMIT when a standby has everything before it.
"""

from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

from core.stand_in import REPLICA

_COMMIT = "SELECT pg_logical_emit_message(true, 'bank', '')"


def wait_for_standby(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Handler of `connection_created`, after the time-outs are set. Raises Django's errors."""
    if connection.vendor != "postgresql" or not settings.DATABASE_HAS_STANDBYS:
        return
    if connection.alias == REPLICA:  # It cannot commit.
        return
    try:
        with connection.wrap_database_errors:
            connection.connection.execute(_COMMIT, prepare=False)
    except BaseException:
        connection.close()
        raise
