"""The caches: only the counts of limits on clients are shared, where there is a Redis."""

from typing import Any

_MEMORY = "django.core.cache.backends.locmem.LocMemCache"


def of(url: str) -> dict[str, dict[str, Any]]:
    """Django's CACHES, with the counts in the Redis at this URL, or in memory without one."""
    return {"default": {"BACKEND": _MEMORY}, "throttles": _in_redis(url) if url else _in_memory()}


def _in_redis(url: str) -> dict[str, Any]:
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "KEY_PREFIX": "bank",
        # In seconds. A Redis that hangs must not take the bank down.
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }


def _in_memory() -> dict[str, Any]:
    return {
        "BACKEND": _MEMORY,
        "LOCATION": "throttles",
        # Django's default of 300 entries would lose counts.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
