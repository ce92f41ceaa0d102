"""Limits by client and by address: each worker has its share, in memory or in a real Redis."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from core.api.throttling import RateLimit
from tests.api import API, client_of, make_user
from tests.http import free_port
from tests.identities import client_with, token_of
from tests.ways import both_ways

pytestmark = pytest.mark.django_db

REDIS = shutil.which("redis-server")
ROOT = Path(__file__).resolve().parent.parent.parent
AT = "2026-01-31T12:00:20Z"  # 40 seconds before the next window


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as travelling:
        yield travelling


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.WEB_WORKERS = 1
    settings.THROTTLE_CLIENT_PER_MINUTE = 0
    settings.THROTTLE_ADDRESS_PER_MINUTE = 0


def statuses(client: Any, count: int, path: str = "accounts/", **extra: Any) -> list[int]:
    return [client.get(f"{API}{path}", **extra).status_code for _ in range(count)]


def assert_throttled(response: Any, seconds: int) -> None:
    assert (response.status_code, response["Retry-After"]) == (429, str(seconds))
    body = response.json()
    assert (body["code"], body["retryable"]) == ("throttled", True)
    assert body["detail"] == f"Too many requests. Try again in {seconds} seconds."
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"


@both_ways
def test_an_address_is_limited_and_hears_when_to_come_back(
    settings: Any, clock: Any, way: dict[str, str]
) -> None:
    settings.THROTTLE_ADDRESS_PER_MINUTE = 3
    client = Client(headers=way)
    assert statuses(client, 3, "health/") == [200] * 3
    assert_throttled(client.get(f"{API}health/"), 40)
    assert statuses(client, 1, "health/", REMOTE_ADDR="192.0.2.9") == [200]
    assert client.get("/admin/login/").status_code == 200
    clock.shift(39.5)
    assert_throttled(client.get(f"{API}health/"), 1)
    clock.shift(0.5)
    assert statuses(client, 3, "health/") == [200] * 3


def test_the_limit_of_an_address_comes_before_authentication(settings: Any) -> None:
    settings.THROTTLE_ADDRESS_PER_MINUTE = 1
    client = client_with("x" * 43)
    assert statuses(client, 1) == [401]
    with CaptureQueriesContext(connection) as queries:
        assert statuses(client, 3) == [429] * 3
    assert len(queries) == 0


@both_ways
def test_an_ipv6_network_counts_as_one_address(settings: Any, way: dict[str, str]) -> None:
    """The owner of one of these addresses has all 2^64 of its network."""
    settings.THROTTLE_ADDRESS_PER_MINUTE = 2
    client = Client(headers=way)
    found = [
        client.get(f"{API}health/", REMOTE_ADDR=address).status_code
        for address in ("2001:db8::1", "2001:db8::2", "2001:db8::ffff:1", "2001:db8:0:1::1")
    ]
    assert found == [200, 200, 429, 200]


def test_a_client_is_limited_wherever_it_comes_from(settings: Any) -> None:
    settings.THROTTLE_CLIENT_PER_MINUTE = 3
    user = make_user("tessa", role="teller")
    client = client_with(token_of(user))
    found = [
        client.get(f"{API}accounts/", REMOTE_ADDR=f"192.0.2.{number}").status_code
        for number in range(4)
    ]
    assert found == [200, 200, 200, 429]
    assert_throttled(client.get(f"{API}accounts/"), 40)
    # Another client of the same user is not affected, nor is the user's session.
    assert statuses(client_with(token_of(user)), 1) == [200]
    assert statuses(client_of(user), 4) == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("limit", "workers", "allowed"), [(6, 1, 6), (6, 2, 3), (6, 4, 1), (3, 8, 1), (7, 2, 3)]
)
def test_each_worker_allows_its_share(
    settings: Any, limit: int, workers: int, allowed: int
) -> None:
    settings.WEB_WORKERS = workers
    hits = [RateLimit("test", limit).hit("key") for _ in range(allowed + 1)]
    assert hits == [None] * allowed + [40]
    settings.THROTTLES_ARE_SHARED = True
    hits = [RateLimit("shared", limit).hit("key") for _ in range(limit + 1)]
    assert hits == [None] * limit + [40]


def test_a_limit_that_is_not_divided_holds_in_each_worker(settings: Any) -> None:
    settings.WEB_WORKERS = 8
    hits = [RateLimit("test", 2, is_divided=False).hit("key") for _ in range(3)]
    assert hits == [None, None, 40]


def test_kinds_keys_and_windows_count_apart(clock: Any) -> None:
    assert RateLimit("one", 1).hit("a") is None
    assert RateLimit("one", 1).hit("b") is None
    assert RateLimit("other", 1).hit("a") is None
    assert RateLimit("one", 1).hit("a") == 40
    assert RateLimit("long", 1, window_seconds=900).hit("a") is None
    assert RateLimit("long", 1, window_seconds=900).hit("a") == 880
    clock.shift(40)
    assert RateLimit("one", 1).hit("a") is None
    assert RateLimit("long", 1, window_seconds=900).hit("a") == 840


def test_asking_does_not_count() -> None:
    limit = RateLimit("test", 2)
    assert [limit.is_exhausted("a") for _ in range(5)] == [None] * 5
    assert [limit.hit("a"), limit.is_exhausted("a"), limit.hit("a")] == [None, None, None]
    assert limit.is_exhausted("a") == 40


def test_0_is_no_limit() -> None:
    assert [RateLimit("test", 0).hit("a") for _ in range(50)] == [None] * 50
    assert RateLimit("test", 0).is_exhausted("a") is None


@both_ways
@pytest.mark.parametrize(
    "proxied",
    [
        (0, "198.51.100.1", "127.0.0.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.7, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.7, 198.51.100.1", "203.0.113.7"),
        (2, "evil, 203.0.113.7, 198.51.100.1", "203.0.113.7"),
        (2, "198.51.100.1", "127.0.0.1"),
        (1, "", "127.0.0.1"),
        (1, "evil", "127.0.0.1"),
        (1, "198.51.100.1, <script>", "127.0.0.1"),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_x_forwarded_for_is_believed_as_far_as_there_are_proxies(
    settings: Any, caplog: Any, proxied: tuple[int, str, str], way: dict[str, str]
) -> None:
    proxies, forwarded, counted = proxied
    settings.TRUSTED_PROXIES = proxies
    with caplog.at_level("INFO", logger="bank.request"):
        Client(headers=way).get(f"{API}health/", headers={"X-Forwarded-For": forwarded})
    assert caplog.records[-1].msg["address"] == counted


@both_ways
def test_forged_addresses_count_as_one(settings: Any, way: dict[str, str]) -> None:
    settings.THROTTLE_ADDRESS_PER_MINUTE = 2
    client = Client(headers=way)
    found = [
        client.get(f"{API}health/", headers={"X-Forwarded-For": f"198.51.100.{n}"}).status_code
        for n in range(3)
    ]
    assert found == [200, 200, 429]


@contextmanager
def redis_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A Redis on a free port, stopped afterwards. It stores nothing on disk."""
    assert REDIS is not None
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([REDIS, *options, "--dir", str(folder)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


def shared(settings: Any, url: str) -> None:
    settings.THROTTLES_ARE_SHARED = True
    settings.CACHES = {
        **settings.CACHES,
        "throttles": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": "bank",
            "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
        },
    }


@pytest.mark.skipif(REDIS is None, reason="no redis-server here: shared limits are NOT tested")
def test_workers_share_one_count_through_redis(settings: Any, tmp_path: Path) -> None:
    """Another process, with its own memory, sees what this one has used up."""
    program = (
        "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'bankproject.settings';"
        "django.setup(); from core.api.throttling import RateLimit;"
        f"import time_machine; time_machine.travel('{AT}', tick=False).start();"
        "print([RateLimit('test', 5).hit('key') for _ in range(3)])"
    )
    with redis_server(tmp_path) as (url, _):
        shared(settings, url)
        assert [RateLimit("test", 5).hit("key") for _ in range(3)] == [None] * 3
        environment = os.environ | {"CACHE_URL": url, "BANK_DATA_DIR": str(tmp_path)}
        other = [sys.executable, "-c", program]
        output = subprocess.run(other, cwd=ROOT, env=environment, capture_output=True, check=True)
        assert output.stdout.decode().strip() == "[None, None, 40]"
        assert RateLimit("test", 5).is_exhausted("key") == 40


@pytest.mark.skipif(REDIS is None, reason="no redis-server here: shared limits are NOT tested")
def test_a_bank_that_lost_its_redis_goes_on_counting_for_itself(
    settings: Any, tmp_path: Path, caplog: Any
) -> None:
    settings.THROTTLE_ADDRESS_PER_MINUTE, settings.WEB_WORKERS = 4, 2
    client = APIClient()
    with redis_server(tmp_path) as (url, server):
        shared(settings, url)
        assert statuses(client, 3, "health/") == [200] * 3
        server.kill()
        server.wait()
        assert statuses(client, 3, "health/") == [200, 200, 429]
    assert "Redis" in caplog.text
    caches["throttles"].close()
