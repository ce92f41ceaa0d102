"""Backups of a real bank are restored elsewhere, checked, and refused where necessary.

The bank is this run's test database, so the drill runs on SQLite and on PostgreSQL.
"""

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Account
from deploy import backups
from tests.factories import make_account, run
from tests.postgresql_installations import newest_installation, oldest_installation
from transactions.commands import Transfer, Withdraw
from transactions.models import Transaction

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def ledger():
    """Completed and refused transactions, in two currencies."""
    ada = make_account(balance="250.75")
    grace = make_account(balance="90.10", name="Grace Hopper")
    make_account(balance="7.125", currency="KWD", name="Alan Turing")
    run(Transfer(account_id=ada.id, target_account_id=grace.id, amount=Decimal("33.33")))
    run(Withdraw(account_id=grace.id, amount=Decimal("1000")))
    return {
        "accounts": sorted((str(a.pk), a.balance) for a in Account.objects.all() if a.balance),
        "transactions": Transaction.objects.count(),
    }


def _url(name):
    found = connection.get_connection_params()
    user = f"{quote(found.get('user', ''))}:{quote(found.get('password', ''), safe='')}"
    return f"postgresql://{user}@{found.get('host', '')}:{found.get('port', 5432)}/{name}"


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An operator's environment: the bank's own variables, and PostgreSQL's client on the PATH."""
    variables = os.environ | {"BANK_DATA_DIR": str(tmp_path / "bank"), "DATABASE_URL": ""}
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        # The script looks for the bank under its usual name, which the test database does not have.
        (tmp_path / "bank").mkdir()
        (tmp_path / "bank" / "bank.sqlite3").symlink_to(name)
        return variables
    bindir = _client_of_the_server()
    monkeypatch.setenv("PATH", f"{bindir}{os.pathsep}{os.environ['PATH']}")
    return variables | {
        "DATABASE_URL": _url(name),
        "DJANGO_SECRET_KEY": settings.SECRET_KEY,
        "PATH": os.environ["PATH"],
    }


def _client_of_the_server():
    """The client programs of the server's own major version.

    A newer version may write settings that this server does not know.
    """
    major = connection.pg_version // 10000
    for installation in (oldest_installation(), newest_installation()):
        if installation.version[0] == major:
            if (installation.bindir / "pg_dump").exists():
                return installation.bindir
            pytest.skip(f"needs pg_dump; {installation} has none")
    pytest.skip(f"needs pg_dump of PostgreSQL {major}")


@pytest.fixture(autouse=True)
def _folder(tmp_path):
    """The operator has created it."""
    (tmp_path / "backups").mkdir()


@pytest.fixture
def empty(environment, tmp_path):
    """The variables of a place without a bank."""
    if connection.vendor == "sqlite":
        yield environment | {"BANK_DATA_DIR": str(tmp_path / "elsewhere")}
        return
    name = f"drill_{uuid4().hex}"
    with psycopg.connect(_url("postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield environment | {"DATABASE_URL": _url(name)}
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _script(environment, *words):
    return subprocess.run(
        [sys.executable, "deploy/backups.py", *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _backup(environment, folder):
    done = _script(environment, "backup", folder)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def _execute(environment, statement):
    """Runs the statement past the bank's own code, and commits."""
    if environment["DATABASE_URL"]:
        with psycopg.connect(environment["DATABASE_URL"]) as server:
            return server.execute(statement).rowcount
    file = sqlite3.connect(Path(environment["BANK_DATA_DIR"]) / "bank.sqlite3")
    try:
        with file:
            return file.execute(statement).rowcount
    finally:
        file.close()


def _contents(environment):
    """Balances and number of transactions, read past the bank's own code."""
    balances = "SELECT id, balance FROM accounts_account WHERE balance <> 0"
    count = "SELECT count(*) FROM transactions_transaction"
    if environment["DATABASE_URL"]:
        with psycopg.connect(environment["DATABASE_URL"]) as server:
            rows = server.execute(balances).fetchall()
            (transactions,) = server.execute(count).fetchone()
    else:
        file = sqlite3.connect(Path(environment["BANK_DATA_DIR"]) / "bank.sqlite3")
        rows = file.execute(balances).fetchall()
        (transactions,) = file.execute(count).fetchone()
        file.close()
    accounts = sorted((str(key).replace("-", ""), Decimal(units) / 10000) for key, units in rows)
    return {"accounts": accounts, "transactions": transactions}


def _expected(ledger):
    accounts = [(key.replace("-", ""), balance) for key, balance in ledger["accounts"]]
    return ledger | {"accounts": sorted(accounts)}


def test_drill_makes_a_backup_that_restores_to_the_same_ledger(
    ledger, environment, empty, tmp_path
):
    into = ["--into", empty["DATABASE_URL"]] if empty["DATABASE_URL"] else []
    done = _script(environment, "drill", tmp_path / "backups", *into)
    assert done.returncode == 0, done.stderr + done.stdout
    assert re.search(
        r"^Drill passed: bank-\d{8}T\d{6}Z\.\w+, \d+ bytes, ", done.stdout, re.MULTILINE
    )
    backup, sidecar = sorted((tmp_path / "backups").iterdir())
    assert sidecar.name == f"{backup.name}.sha256"
    assert backup.stat().st_mode & 0o777 == 0o600
    if into:
        assert _contents(empty) == _expected(ledger)


@pytest.mark.parametrize("step", ["backup", "drill"])
def test_a_folder_that_is_not_there_is_not_made(environment, empty, tmp_path, step):
    """As if the disk of the backups were not mounted."""
    into = ["--into", empty["DATABASE_URL"]] if empty["DATABASE_URL"] and step == "drill" else []
    folder = tmp_path / "unmounted" / "bank"
    done = _script(environment, step, folder, *into)
    assert done.returncode == 1
    assert done.stderr == (
        f"FAILED: There is no folder {folder}. Mount its disk, or make it:"
        f" install -d -m 700 {folder}\n"
    )
    assert not folder.parent.exists()


@pytest.mark.postgresql
def test_a_drill_each_month_into_the_same_database(environment, empty, tmp_path):
    """A drill drops the remains of the last drill, and never a real bank."""
    folder, into = tmp_path / "backups", ["--into", empty["DATABASE_URL"]]
    for month in (1, 2):
        done = _script(environment, "drill", folder, *into)
        assert done.returncode == 0, done.stderr + done.stdout
        assert len(list(folder.glob("*.dump"))) == month
        time.sleep(1.1)  # The name has the second.
    with psycopg.connect(empty["DATABASE_URL"]):
        done = _script(environment, "drill", folder, *into)
    assert "FAILED: 1 other sessions use the database of the last drill." in done.stderr
    _execute(empty, f'COMMENT ON DATABASE "{_name_of(empty)}" IS NULL')
    for words, expected in (
        (into, r"FAILED: The database has \d+ tables\. A drill needs an empty one\."),
        (["--into", environment["DATABASE_URL"]], r"FAILED: --into names the bank itself\."),
    ):
        done = _script(environment, "drill", folder, *words)
        assert done.returncode == 1
        assert re.search(expected, done.stderr)
    # Refused before a backup was made.
    assert len(list(folder.glob("*.dump"))) == 2


def _name_of(environment):
    return environment["DATABASE_URL"].rpartition("/")[2]


def test_a_backup_may_have_any_name(environment, empty, tmp_path):
    path = backups.backup(tmp_path / "backups", environment)
    renamed = path.with_name("monday")
    path.rename(renamed)
    digest = path.with_name(f"{path.name}.sha256").read_text().split()[0]
    renamed.with_name("monday.sha256").write_text(f"{digest}  monday\n")
    backups.place(renamed, empty)
    assert _contents(empty) == _contents(environment)


@pytest.mark.parametrize("content", [b"", b"-- a dump in plain SQL\n"])
def test_what_is_no_backup_says_so(environment, empty, tmp_path, content):
    path = tmp_path / "bank.dump"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (tmp_path / "bank.dump.sha256").write_text(f"{digest}  bank.dump\n")
    with pytest.raises(backups.BackupFailed, match=r"^bank\.dump is no backup: neither"):
        backups.place(path, empty)


def test_a_backup_of_the_other_kind_is_named(environment, tmp_path):
    path = backups.backup(tmp_path / "backups", environment)
    here, url = ("PostgreSQL", "") if connection.vendor == "postgresql" else ("SQLite", "x://y/z")
    with pytest.raises(backups.BackupFailed, match=rf"is of {here}, and DATABASE_URL names "):
        backups.place(path, environment | {"DATABASE_URL": url})


def test_restored_bank_has_its_balances_and_its_guards(ledger, environment, empty, tmp_path):
    path = backups.backup(tmp_path / "backups", environment)
    make_account(balance="1.00", name="After the backup")
    backups.place(path, empty)
    assert _contents(empty) == _expected(ledger)
    with pytest.raises((psycopg.errors.RestrictViolation, sqlite3.IntegrityError)):
        _execute(empty, "DELETE FROM transactions_transaction")


def test_bank_that_is_there_is_never_overwritten(ledger, environment, tmp_path):
    backup = _backup(environment, tmp_path / "backups")
    before = _contents(environment)
    make_account(balance="5.00", name="After the backup")
    done = _script(environment, "restore", backup)
    assert done.returncode == 1
    assert re.search(r"FAILED: .*(is there already|has \d+ tables)", done.stderr)
    assert _contents(environment)["transactions"] == before["transactions"] + 1


def test_damaged_backup_is_refused_before_anything_is_written(ledger, environment, empty, tmp_path):
    backup = _backup(environment, tmp_path / "backups")
    content = bytearray(backup.read_bytes())
    content[len(content) // 2] ^= 1
    backup.write_bytes(content)
    done = _script(empty, "restore", backup)
    assert done.returncode == 1
    assert "its SHA-256 differs" in done.stderr
    if empty["DATABASE_URL"]:
        with psycopg.connect(empty["DATABASE_URL"]) as server:
            query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
            assert server.execute(query).fetchone() == (0,)
    else:
        assert not Path(empty["BANK_DATA_DIR"]).exists()


MONEY_FROM_NOWHERE = """
    UPDATE accounts_account SET balance = balance + 1, last_sequence = last_sequence + 1
    WHERE balance > 0"""


def test_damage_that_was_backed_up_is_found(ledger, environment, empty, tmp_path):
    """First damage that only the ledger's sums reveal, then a missing guard."""
    backups.place(backups.backup(tmp_path / "backups", environment), empty)
    assert _execute(empty, MONEY_FROM_NOWHERE) == 3
    with pytest.raises(backups.BackupFailed, match=r"^manage.py verify_ledger ended with 1\.$"):
        backups.check(empty)
    on = " ON transactions_transaction" if empty["DATABASE_URL"] else ""
    _execute(empty, f"DROP TRIGGER transactions_transaction_final{on}")
    with pytest.raises(backups.BackupFailed, match=r"^manage.py check .* ended with 1\.$"):
        backups.check(empty)


def test_missing_client_is_named(environment, tmp_path):
    if connection.vendor == "sqlite":
        done = _script(environment | {"BANK_DATA_DIR": str(tmp_path / "no")}, "backup", tmp_path)
        assert "FAILED: There is no bank at" in done.stderr
    else:
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "python").symlink_to(shutil.which("python3") or sys.executable)
        done = _script(environment | {"PATH": str(programs)}, "backup", tmp_path / "backups")
        assert "FAILED: pg_dump is not installed" in done.stderr
    assert done.returncode == 1
