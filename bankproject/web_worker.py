"""The worker of gunicorn that serves the bank: a few threads, none of which may hang unseen."""

import threading
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class WatchedThreadWorker(ThreadWorker):
    """Threads that keep connections to clients open between requests, and are watched.

    gunicorn ends a worker that is silent for its time-out. Of threads it would only see the loop
    that hands out requests, which never hangs. So this one falls silent once a request has run for
    half of the time-out without a sign of life (`core.heartbeat`): a request that hangs is ended,
    with its worker, after one and a half time-outs, and the worker replaced.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Of each thread that answers a request: when it began, or gave a sign of life.
        self._alive_at: dict[int, float] = {}

    def beat(self) -> None:
        """The request of this thread makes progress."""
        self._alive_at[threading.get_ident()] = time.monotonic()

    def notify(self) -> None:
        now = time.monotonic()
        # `timeout` is half of what the setting of that name says; 0 watches nothing.
        if not self.timeout or now - min(list(self._alive_at.values()), default=now) < self.timeout:
            super().notify()

    def handle_request(self, req: Any, conn: Any) -> Any:
        self.beat()
        try:
            return super().handle_request(req, conn)
        finally:
            self._alive_at.pop(threading.get_ident(), None)
