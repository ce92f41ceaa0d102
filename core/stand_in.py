"""The connection to the replica in the place of this thread's own, for a whole read.

Django looks the connection up by its alias at each use: the ORM, `django.db.connection`, and raw
cursors alike. So a read that knows nothing of replicas goes there, with all that it calls. Other
threads keep their own connections.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

# The alias of BANK_REPLICA_URL in DATABASES.
REPLICA = "replica"

_own = threading.local()


def stands_in() -> bool:
    """Whether this thread reads on the replica at present."""
    return connections[DEFAULT_DB_ALIAS].alias == REPLICA


@contextmanager
def replica_stands_in() -> Iterator[None]:
    """All that this thread reads in the block goes to the replica. Blocks are not nested."""
    _own.primary = connections[DEFAULT_DB_ALIAS]
    with _in_place(connections[REPLICA]):
        yield


@contextmanager
def on_primary() -> Iterator[None]:
    """What has to come from the primary, also in the middle of a read on the replica."""
    if not stands_in():
        yield
        return
    with _in_place(_own.primary):
        yield


@contextmanager
def _in_place(connection: Any) -> Iterator[None]:
    before = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = connection
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = before
