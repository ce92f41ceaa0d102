"""How many requests one client or one address may send: fixed windows, counted in a cache.

Counted in the process's own memory, where each worker then allows its share of the limit, or in
Redis for all workers and hosts together (`CACHE_URL`). Never in the database: a throttle that costs
statements helps whoever floods us.
"""

import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.cache import caches
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

_CACHE = "throttles"


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `limit` hits of one kind by one key in a window; `limit` 0 counts nothing."""

    kind: str
    limit: int
    window_seconds: int = 60

    def hit(self, key: str) -> int | None:
        """Counts one. None if it is allowed, else the seconds until the next window, at least 1."""
        if not self.limit:
            return None
        name, left = self._window(key)
        cache = caches[_CACHE]
        cache.add(name, 0, timeout=self.window_seconds)
        return left if cache.incr(name) > self._share() else None

    def is_exhausted(self, key: str) -> int | None:
        """As `hit`, without counting: None while another hit would be allowed."""
        if not self.limit:
            return None
        name, left = self._window(key)
        return left if caches[_CACHE].get(name, 0) >= self._share() else None

    def _window(self, key: str) -> tuple[str, int]:
        number, passed = divmod(int(time.time()), self.window_seconds)
        return f"{self.kind}:{key}:{number}", self.window_seconds - passed

    def _share(self) -> int:
        """What this process may allow of the limit: all of it where the count is shared."""
        if settings.THROTTLES_ARE_SHARED:
            return self.limit
        return max(1, self.limit // settings.WEB_WORKERS)


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
