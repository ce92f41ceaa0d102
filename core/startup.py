"""Starts serving processes only once the database is ready."""

import sys
import time

from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connection

from core import timeouts
from core.database import require_objects
from core.failures import told
from core.files import FileProblem
from core.serving_lock import hold_while_serving

_LONGEST_WAIT_SECONDS = 20


def wait_for_objects() -> None:
    """Waits some seconds until the database answers and has its guards and views.

    On success, the process holds the serving lock, so nobody moves the files of a bank on SQLite.

    Otherwise it exits with a sentence, before gunicorn's time-out. It raises no exception: gunicorn
    shuts down for good when an exception ends the boot of a worker, but replaces a worker that
    exits. So healthy workers keep serving beside one that cannot start.
    """
    reason = ""
    for _ in range(_LONGEST_WAIT_SECONDS):
        try:
            timeouts.warn()
            require_objects()
        except (DatabaseError, ImproperlyConfigured, FileProblem) as error:
            reason = told(error)
            # Django checks a new connection only, and would take one that it has just refused.
            connection.close()
        else:
            hold_while_serving(connection)
            return
        time.sleep(1)
    sys.exit(reason)
