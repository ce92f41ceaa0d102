"""Two served banks on one database behind the shipped nginx: what they share, and a restart."""

import itertools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest
from django.test import Client as DjangoClient

from core.tests.test_throttling import REDIS, redis_server
from staff.tests.helpers import LOGIN, PASSWORD, make_staff
from tests.api import make_user
from tests.concurrency.bank import supervisor_token
from tests.concurrency.client import API
from tests.concurrency.crowd import Thread, environment_of_database
from tests.conftest import NO_NGINX
from tests.crash.processes import eventually
from tests.crash.web import WebServer
from tests.factories import make_account
from tests.http import Answer, ask, free_port
from tests.image import ROOT
from transactions.models import Transaction

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(REDIS is None, reason="no redis-server here: shared limits are NOT tested"),
]

CUSTOMERS = 3
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Proxy:
    """nginx with the image's configuration, before several banks."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        assert NGINX
        self.port = free_port()
        self._folder, self._ports = folder, ports
        self._file = folder / "nginx.conf"
        self._write(drained=None)
        self._process = subprocess.Popen(
            [NGINX, "-g", "daemon off;", "-p", folder, "-e", "stderr", "-c", self._file]
        )
        eventually(lambda: _status(f"http://127.0.0.1:{self.port}/proxy-health") == 204)

    def drain(self, port: int | None) -> None:
        """Sends nothing more to the bank on this port; None: to all again."""
        self._write(drained=port)
        workers = self._workers()
        self._process.send_signal(signal.SIGHUP)
        # The old workers take nothing new, and end with their last request.
        eventually(lambda: self._workers() and not self._workers() & workers)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait()

    def _workers(self) -> set[int]:
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return {int(pid) for pid in path.read_text().split()}

    def _write(self, *, drained: int | None) -> None:
        servers = " ".join(
            f"server 127.0.0.1:{port} max_fails=0{' down' if port == drained else ''};"
            for port in self._ports
        )
        text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
        for old, new in {
            "server web:5000 max_fails=0;": servers,
            "listen 8080": f"listen 127.0.0.1:{self.port}",
            "worker_processes auto": "worker_processes 1",
            "/tmp/": f"{self._folder}/",  # noqa: S108 - the folder of the container
            "/dev/stdout": f"{self._folder}/access.log",
            "/dev/stderr": f"{self._folder}/error.log",
        }.items():
            assert old in text
            text = text.replace(old, new)
        self._file.write_text(text, "utf-8")


def _status(url: str) -> int:
    try:
        return ask("GET", url).status
    except OSError:
        return 0


@pytest.fixture
def banks(transactional_db: None, tmp_path: Path) -> Iterator[list[WebServer]]:
    with ExitStack() as stack:
        (tmp_path / "redis").mkdir()
        url, _ = stack.enter_context(redis_server(tmp_path / "redis"))
        environment = environment_of_database(str(tmp_path))
        environment |= {"CACHE_URL": url, "BANK_TRUSTED_PROXIES": "0"}
        servers = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            servers.append(WebServer(environment, tmp_path / name, fused=False))
            stack.callback(servers[-1].end)
        starting = [Thread(server.start).start() for server in servers]
        for thread in starting:
            thread.result()
        yield servers


def send(port: int, method: str, path: str, body: object = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ask(method, f"http://127.0.0.1:{port}{API}{path}", body, named)


def test_two_banks_are_one(banks: list[WebServer], tmp_path: Path) -> None:
    """Sessions, lockouts and keys of one hold at the other; a restart of both fails no request."""
    first, second = (server.port for server in banks)
    session_is_shared(first, second)
    lockout_is_shared(first, second)
    lockout_of_staff_is_shared(first, second)
    bearer = f"Bearer {supervisor_token()}"
    key_is_shared(first, second, bearer)
    if not NGINX:
        pytest.skip(NO_NGINX)
    rolling_restart_fails_no_request(banks, tmp_path, bearer)


def session_is_shared(first: int, second: int) -> None:
    browser = DjangoClient()
    browser.force_login(make_user("chief", role="supervisor"))
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    for port in (first, second):
        assert send(port, "GET", "accounts/", Cookie=cookie).status == 200
    browser.logout()
    for port in (first, second):
        assert send(port, "GET", "accounts/", Cookie=cookie).status in (401, 403)


def lockout_is_shared(first: int, second: int) -> None:
    """Five wrong secrets, at both in turn."""
    form = b"grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    kind = "application/x-www-form-urlencoded"
    ports = itertools.islice(itertools.cycle((first, second)), 7)
    answers = [send(port, "POST", "oauth/token/", form, Content_Type=kind) for port in ports]
    assert [answer.status for answer in answers] == [401] * 5 + [429] * 2


def lockout_of_staff_is_shared(first: int, second: int) -> None:
    """Five wrong passwords, at both in turn; then the right one opens neither."""
    make_staff("tessa")
    banks = itertools.islice(itertools.cycle((first, second)), 5)
    assert [log_in(port, "wrong") for port in banks] == [200] * 4 + [429]
    assert [log_in(port, PASSWORD) for port in (first, second)] == [429, 429]


def log_in(port: int, password: str) -> int:
    """The status of a login in the console: 302 when it succeeds."""
    url = f"http://127.0.0.1:{port}{LOGIN}"
    cookies = SimpleCookie(ask("GET", url).headers["Set-Cookie"])
    token = cookies["csrftoken"].value
    form = {"username": "tessa", "password": password, "code": "", "csrfmiddlewaretoken": token}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={token}",
    }
    return ask("POST", url, urlencode(form).encode(), headers).status


def key_is_shared(first: int, second: int, bearer: str) -> None:
    """Ten requests with one key at once, at both."""
    account = make_account()
    path, before = f"accounts/{account.id}/deposit/", Transaction.objects.count()

    def deposit(port: int) -> Answer:
        headers = {"Authorization": bearer, "Idempotency_Key": "one-for-both"}
        return send(port, "POST", path, {"amount": "1.25"}, **headers)

    threads = [Thread(lambda port=port: deposit(port)).start() for port in (first, second) * 5]
    answers = [thread.result() for thread in threads]
    assert {answer.status for answer in answers} <= {200, 409, 503}
    done = [answer for answer in answers if answer.status == 200]
    assert sum(not answer.replayed for answer in done) == 1
    assert {answer.body["transaction_id"] for answer in done} == {
        str(Transaction.objects.get(idempotency_key="one-for-both").id)
    }
    assert Transaction.objects.count() == before + 1


def rolling_restart_fails_no_request(banks: list[WebServer], folder: Path, bearer: str) -> None:
    """One bank after the other is drained at the proxy, stopped by SIGTERM and started."""
    account = make_account()
    proxy = Proxy(folder, [server.port for server in banks])
    ended, statuses, numbers = threading.Event(), [], itertools.count()

    def customer() -> None:
        while not ended.is_set():
            headers = {"Authorization": bearer, "Idempotency_Key": f"rolling-{next(numbers)}"}
            path = f"accounts/{account.id}/"
            answer = send(proxy.port, "POST", f"{path}deposit/", {"amount": "0.01"}, **headers)
            statuses.append(answer.status)
            statuses.append(send(proxy.port, "GET", path, Authorization=bearer).status)
            time.sleep(0.02)

    customers = [Thread(customer).start() for _ in range(CUSTOMERS)]
    try:
        for server in banks:
            proxy.drain(server.port)
            assert server.stop() == 0
            server.start()
            proxy.drain(None)
        wanted = len(statuses) + 10
        eventually(lambda: len(statuses) > wanted)
    finally:
        ended.set()
        for thread in customers:
            thread.result()
        proxy.end()
    assert set(statuses) == {200}
    account.refresh_from_db()
    assert str(account.balance) == f"{len(statuses) // 2 / 100:.4f}"
