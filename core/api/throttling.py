"""Rate limits per client and per address: fixed windows, counted in a cache.

Hits are counted in the process's own memory, where each worker allows its share of the limit, or in
Redis for all workers and hosts together (`CACHE_URL`). Never in the database: a throttle that costs
statements helps an attacker. While Redis is down, each worker falls back to its share, so the bank
fails neither closed nor open.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import BaseCache, caches
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` hits of one kind by one key in a window; `limit` 0 counts nothing.

    With `is_divided`, a worker that counts alone allows its share of the limit, not all of it.
    """

    kind: str
    limit: int
    window_seconds: int = 60
    is_divided: bool = True

    def hit(self, key: str) -> int | None:
        """Counts a hit. None if it is allowed, else seconds until the next window, at least 1."""
        if not self.limit:
            return None
        name, left = self._window(key)

        def count(cache: BaseCache) -> int:
            try:
                return cache.incr(name)
            except ValueError:  # The first hit of the window.
                cache.add(name, 0, timeout=self.window_seconds)
                return cache.incr(name)

        hits, allowed = self._asked(count)
        return left if hits > allowed else None

    def is_exhausted(self, key: str) -> int | None:
        """As `hit`, without counting: None while another hit would be allowed."""
        if not self.limit:
            return None
        name, left = self._window(key)
        hits, allowed = self._asked(lambda cache: int(cache.get(name, 0)))
        return left if hits >= allowed else None

    def _asked(self, ask: Callable[[BaseCache], int]) -> tuple[int, int]:
        """Hits so far, and the limit for the counter that was asked."""
        share = max(1, self.limit // settings.WEB_WORKERS) if self.is_divided else self.limit
        try:
            return ask(caches["throttles"]), self.limit if settings.THROTTLES_ARE_SHARED else share
        except (RedisError, ValueError) as error:  # ValueError: Redis has just dropped the key.
            logger.warning("Redis does not count: %s", type(error).__name__)
            return ask(caches["default"]), share

    def _window(self, key: str) -> tuple[str, int]:
        number, passed = divmod(int(time.time()), self.window_seconds)
        return f"{self.kind}:{key}:{number}", self.window_seconds - passed


class ClientThrottle(BaseThrottle):
    """Counts by API client or logged-in user, after authentication. Addresses: see middleware."""

    def __init__(self) -> None:
        self.seconds: int | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        limit = RateLimit("client", settings.THROTTLE_CLIENT_PER_MINUTE)
        client = getattr(request.auth, "application", None)
        key = f"client:{client.pk}" if client else f"user:{request.user.pk}"
        self.seconds = limit.hit(key)
        return self.seconds is None

    def wait(self) -> float | None:
        return self.seconds
