"""The upgrade of docs/operations.md: the previous release serves while the new one migrates.

It uses both roles, both releases' own code and real servers. Clients must notice nothing.
"""

import base64
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.http import get, post, post_form
from tests.postgresql import postgresql_server
from tests.postgresql_roles import make_roles
from tests.upgrade.releases import (
    ROOT,
    Release,
    Server,
    client_of,
    code_of_the_release_before,
    environment_of,
)

SCOPES = "accounts:read accounts:write transactions:read transactions:write"
OPENED = {"name": "Ada Lovelace", "currency": "USD", "initial_balance": "100.00"}
_GUARDS = """
    SELECT t.tgname, t.tgenabled, pg_get_triggerdef(t.oid), p.prosrc
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal ORDER BY 1"""


def bearer_of(server: Server, client: dict[str, str]) -> dict[str, str]:
    pair = base64.b64encode(f"{client['client_id']}:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": SCOPES}
    _, answer = post_form(f"{server.url}oauth/token/", form, Authorization=f"Basic {pair}")
    return {"Authorization": f"Bearer {json.loads(answer)['access_token']}"}


class Customer(threading.Thread):
    """Deposits dollars one by one, reads the entries, and checks the readiness of the server.

    `lost` counts its requests without a response. It repeats each of them.
    """

    def __init__(self, server: Server, bearer: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.server, self.bearer = server, bearer
        status, body = post(f"{server.url}accounts/", OPENED, **bearer)
        assert status == 201, body
        self.account_url = f"{server.url}accounts/{json.loads(body)['account_id']}/"
        self.answers: list[tuple[int, str]] = []
        self.deposits = self.lost = 0
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            self.answers.append(self._deposit())
            self.deposits += self.answers[-1][0] == 200
            entries = partial(get, f"{self.account_url}entries/", **self.bearer)
            self.answers.append(self._answer_to(entries))
            self.answers.append(self._answer_to(self.server.readiness))

    def _deposit(self) -> tuple[int, str]:
        """Makes a deposit. If it is busy because a table was locked for too long, repeats it by its
        key.
        """
        headers = self.bearer | {"Idempotency-Key": uuid4().hex}
        for _ in range(5):
            url, body = f"{self.account_url}deposit/", {"amount": "1.00"}
            answer = self._answer_to(partial(post, url, body, **headers))
            if answer[0] != 503 or '"busy"' not in answer[1]:
                break
        return answer

    def _answer_to(self, request: Callable[[], tuple[int, str]]) -> tuple[int, str]:
        answer = request()
        if answer[0] == 0:
            self.lost += 1
            answer = request()
        return answer

    def end(self) -> None:
        self._end.set()
        self.join(120)

    def check(self, killed: int) -> None:
        """Asserts that every response was right, and the balance too.

        A killed worker may lose the one request of this customer that it is processing.
        """
        assert self.lost <= killed
        assert [answer for answer in self.answers if answer[0] != 200] == []
        assert self.deposits > 0
        _, body = get(self.account_url, **self.bearer)
        assert json.loads(body)["balance"] == f"{100 + self.deposits}.00"


@contextmanager
def customer_of(server: Server, bearer: dict[str, str], *, killed: int = 0) -> Iterator[Customer]:
    """A customer that is checked at the end. `killed` is the number of workers killed meanwhile."""
    customer = Customer(server, bearer)
    customer.start()
    try:
        yield customer
    finally:
        customer.end()
    customer.check(killed)


def replace_a_killed_worker(server: Server) -> None:
    workers = server.web_workers()
    killed = workers.pop()
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while len(found := server.web_workers()) < len(workers) + 1 or killed in found:
        assert server.process.poll() is None, server.log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    server.wait_until_ready()


@pytest.mark.slow
def test_the_release_before_serves_while_the_new_one_comes(tmp_path: Path) -> None:
    code = code_of_the_release_before(tmp_path / "before")
    with postgresql_server(fsync=False) as postgresql:
        owner, app = make_roles(postgresql)
        old = Release(code, environment_of(tmp_path, DATABASE_URL=app))
        new = Release(ROOT, environment_of(tmp_path, DATABASE_URL=app))

        def guards() -> list[tuple[str, ...]]:
            with psycopg.connect(owner) as connection:
                return connection.execute(_GUARDS).fetchall()

        old.run("deploy/migrate.py", DATABASE_URL=owner)
        old.run("manage.py", "setup_demo")
        client = client_of(old)
        with old.served() as server:
            bearer = bearer_of(server, client)
            with customer_of(server, bearer, killed=1):
                new.run("deploy/migrate.py", DATABASE_URL=owner)
                brought = guards()
                replace_a_killed_worker(server)
                with old.served() as started_later, new.served() as newcomer:
                    for one in (started_later, newcomer):
                        with customer_of(one, bearer):
                            old.run("deploy/migrate.py", DATABASE_URL=owner)
                    assert guards() == brought
                    new.run("manage.py", "verify_ledger")
        # Back again: the previous release alone, on data of the new one.
        old.run("manage.py", "check", "--database", "default")
        with old.served() as server, customer_of(server, bearer):
            old.run("manage.py", "verify_ledger")


@pytest.mark.sqlite
def test_an_embedded_bank_goes_to_the_new_release_and_back(tmp_path: Path) -> None:
    """Stopped for each step. Each release migrates before it serves, as `make run` does."""
    old = Release(code_of_the_release_before(tmp_path / "before"), environment_of(tmp_path))
    new = Release(ROOT, old.environment)
    old.run("manage.py", "migrate")
    assert "(bank.E001)" in new.run("manage.py", "check", "--database", "default", fails=True)
    for release in (new, old, new):
        release.run("manage.py", "migrate")
        release.run("manage.py", "check", "--database", "default")
        assert "every rule holds" in release.run("manage.py", "verify_ledger")
