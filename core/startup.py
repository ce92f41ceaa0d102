"""What processes that serve do before they begin."""

import sys
import time

from django.db import OperationalError

from core.database import require_objects

_LONGEST_WAIT_SECONDS = 20


def wait_for_objects() -> None:
    """As `require_objects`, for processes that start while the database is away: waits for it.

    Exits after some seconds, below gunicorn's time-out. It exits, and raises nothing, because
    gunicorn shuts down for good when one of its workers fails to boot with an exception, and starts
    another one for a worker that exits.
    """
    for _ in range(_LONGEST_WAIT_SECONDS):
        try:
            require_objects()
        except OperationalError:
            time.sleep(1)
        else:
            return
    sys.exit("The database does not answer.")
