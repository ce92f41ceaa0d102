"""Work under a lease, which a heartbeat extends as long as the work goes on."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

logger = logging.getLogger(__name__)

# Extends the lease. False says that another process has it by now.
Extend = Callable[[], bool | None]


@contextmanager
def extended(extend: Extend, when_lost: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Extends the lease while the block runs; `when_lost` is called in the thread that does."""
    done = threading.Event()
    heartbeat = threading.Thread(target=beat, args=(extend, done, when_lost), daemon=True)
    heartbeat.start()
    try:
        yield
    finally:
        done.set()
        heartbeat.join()


def beat(extend: Extend, done: threading.Event, when_lost: Callable[[], object]) -> None:
    """Extends the lease every third of its length, until the work is done or the lease lost."""
    while not done.wait(settings.WORKER_LEASE_SECONDS / 3):
        try:
            if extend() is False and not done.is_set():
                logger.error("Another process has taken over; this one stops")
                when_lost()
                break
        except DatabaseError:
            logger.warning("A heartbeat failed; the next one may come in time", exc_info=True)
            connection.close()
    connection.close()
