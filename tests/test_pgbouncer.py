"""Behind PgBouncer, in both modes: the bank works, and time-outs are in force or reported."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from tests.concurrency.client import Client
from tests.conftest import NO_PGBOUNCER
from tests.crash.bank import Bank, bank, manage
from tests.crash.processes import ROOT
from tests.crash.web import web_server
from tests.pgbouncer import pgbouncer, program
from tests.postgresql import postgresql_server

pytestmark = [
    pytest.mark.slow,
    pytest.mark.postgresql,
    pytest.mark.skipif(program() is None, reason=f"{NO_PGBOUNCER}: it is not installed"),
]

TIMEOUTS = {
    "lock_timeout": "2s",
    "statement_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
    "client_connection_check_interval": "5s",
}


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with (
        postgresql_server(fsync=False) as server,
        bank(tmp_path_factory.mktemp("bank"), server) as made,
    ):
        made.web.end()
        yield made


@pytest.mark.parametrize("mode", ["session", "transaction"])
def test_the_bank_behind_pgbouncer(direct: Bank, mode: str, tmp_path: Path) -> None:
    assert direct.server is not None
    for_role(direct, "RESET {name}")
    with pgbouncer(direct.server, mode) as url:
        environment = direct.environment | {"DATABASE_URL": url}
        if mode == "transaction":
            environment["BANK_PREPARED_STATEMENTS"] = "false"
        assert "bank.W003" in checked(environment)
    for_role(direct, "SET {name} = '{value}'")
    # The old pooler is gone, and with it the sessions from before the role's settings.
    with pgbouncer(direct.server, mode) as url:
        environment["DATABASE_URL"] = url
        assert "no issues" in checked(environment)
        with web_server(environment, tmp_path, fused=False) as web:
            pooled = replace(direct, web=web)
            require_that_money_moves(pooled, environment)
            require_that_each_read_repeats(pooled)
            require_that_a_locked_account_is_busy(pooled)


def for_role(bank: Bank, what: str) -> None:
    assert bank.server is not None
    with psycopg.connect(bank.server.url, autocommit=True) as session:
        for name, value in TIMEOUTS.items():
            session.execute(f"ALTER ROLE bank {what.format(name=name, value=value)}")


def checked(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--database", "default"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def require_that_money_moves(bank: Bank, environment: dict[str, str]) -> None:
    client = Client(bank.web.port, bank.token)
    account = client.post("accounts/", {"name": "Ada Lovelace", "initial_balance": "5.00"})
    path = f"accounts/{account.body['account_id']}"
    key = str(uuid4())
    for replayed in (False, True):
        answer = client.post(f"{path}/deposit/", {"amount": "1.25"}, key=key)
        assert (answer.body["balance_after"], answer.replayed) == ("6.25", replayed)
    assert client.get(f"{path}/entries/")["results"][0]["balance_after"] == "6.25"
    assert client.get("health/ready/")["status"] == "ok"
    manage(environment, "process_transactions", "--once")
    manage(environment, "verify_ledger", "--json")


def require_that_each_read_repeats(bank: Bank) -> None:
    """The driver would prepare a statement at its sixth run, under a name that others use too."""
    client = Client(bank.web.port, bank.token)
    account = client.get("accounts/?page_size=1")["results"][0]["account_id"]
    transaction = client.get("transactions/")["results"][0]["transaction_id"]
    paths = [
        "accounts/",
        f"accounts/{account}/",
        f"accounts/{account}/balance/",
        f"accounts/{account}/entries/",
        f"accounts/{account}/transactions/",
        f"accounts/{account}/transactions/?page_size=1&status=COMPLETED",
        "transactions/",
        f"transactions/{transaction}/",
    ]
    first = {path: client.get(path) for path in paths}
    assert first["transactions/"]["results"]
    for _ in range(12):
        assert {path: client.get(path) for path in paths} == first


def require_that_a_locked_account_is_busy(bank: Bank) -> None:
    assert bank.server is not None
    client = Client(bank.web.port, bank.token)
    account = client.post("accounts/", {"name": "Ada Lovelace"}).body["account_id"]
    with psycopg.connect(bank.server.url) as rival:
        rival.execute("SELECT FROM accounts_account WHERE id = %s FOR UPDATE", [account])
        begun = time.monotonic()
        answer = client.post(f"accounts/{account}/deposit/", {"amount": "1.25"})
        # Without a time-out it would wait forever for the rival.
        assert time.monotonic() - begun < 20
    assert (answer.status, answer.code) == (503, "busy")
