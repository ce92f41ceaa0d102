"""What processes that serve do before they begin."""

import sys
import time

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from core import timeouts
from core.database import require_objects
from core.files import FileProblem
from core.serving_lock import hold_while_serving

_LONGEST_WAIT_SECONDS = 20


def wait_for_objects() -> None:
    """Returns once the database answers and has its guards and views. Waits some seconds for that.

    From then on, until it ends, nobody moves the files of a bank on SQLite away from this process.

    Then it exits with a sentence, before gunicorn's time-out. It raises nothing, because gunicorn
    shuts down for good when one of its workers fails to boot with an exception, and starts another
    one for a worker that exits. So the workers that serve go on beside one that cannot begin.
    """
    reason = ""
    for _ in range(_LONGEST_WAIT_SECONDS):
        try:
            timeouts.warn()
            require_objects()
        except OperationalError:
            reason = "The database does not answer."
        except (ImproperlyConfigured, FileProblem) as error:
            reason = str(error)
        else:
            hold_while_serving(connection)
            return
        time.sleep(1)
    sys.exit(reason)
