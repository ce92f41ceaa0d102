"""Guards through real `migrate` processes: table rebuilds, kills, two at once, and load."""

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader

from core.database import all_objects
from tests.scratch import Bank, empty_bank, finish, migrated_bank

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

OBJECTS = all_objects(connection.vendor)
ON_SQLITE = connection.vendor == "sqlite"
# Objects that are missing during a migration: all on SQLite; on PostgreSQL those that the first
# migration drops.
MADE_ROOM = {"transactions_entry", "accounts_account_identity"}
LOST = [item.name for item in OBJECTS if ON_SQLITE or item.name in MADE_ROOM]

# A next release might widen columns. On SQLite that rebuilds both tables and loses their triggers.
# PostgreSQL refuses it below a view, and below a guard that names the column.
SETTINGS = """
from bankproject.settings import *
MIGRATION_MODULES = {"accounts": "next_accounts", "transactions": "next_transactions"}
"""
SHIPPED = """
from importlib import import_module
Migration = import_module("{app}.migrations.{name}").Migration
"""
WIDER = """
import os, signal
from django.db import migrations, models

def make_room(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP VIEW IF EXISTS transactions_entry")
        schema_editor.execute("DROP TRIGGER {table}_identity ON {table}")

def die(apps, schema_editor):
    if os.environ.get("DIE_WHILE_MIGRATING") == "{app}":
        os.kill(os.getpid(), signal.SIGKILL)

class Migration(migrations.Migration):
    dependencies = [("{app}", "{leaf}")]
    operations = [
        migrations.RunPython(make_room),
        migrations.AlterField("{model}", "currency", models.CharField(max_length=4)),
        migrations.RunPython(die),
    ]
"""


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with migrated_bank(tmp_path) as bank:
        yield bank


@pytest.fixture
def next_release(bank: Bank) -> Bank:
    """The bank with migrations that are not yet applied."""
    write_next_release(bank.folder)
    bank.environment["DJANGO_SETTINGS_MODULE"] = "next_settings"
    return bank


def write_next_release(folder: Path) -> None:
    (folder / "next_settings.py").write_text(SETTINGS)
    nodes = MigrationLoader(None).graph
    for app, model in (("accounts", "account"), ("transactions", "transaction")):
        package = folder / f"next_{app}"
        package.mkdir()
        (package / "__init__.py").touch()
        ((_, leaf),) = nodes.leaf_nodes(app)
        for name in [name for label, name in nodes.nodes if label == app]:
            (package / f"{name}.py").write_text(SHIPPED.format(app=app, name=name))
        text = WIDER.format(app=app, leaf=leaf, model=model, table=f"{app}_{model}")
        (package / "9999_wider_currency.py").write_text(text)


def test_two_migrates_of_an_empty_database_both_succeed(tmp_path: Path) -> None:
    with empty_bank(tmp_path) as bank:
        both = [bank.start("manage.py", "migrate") for _ in range(2)]
        results = [finish(process) for process in both]
    assert [code for code, _ in results] == [0, 0], results
    # One did everything; the other one waited and found nothing to do.
    assert sorted("No migrations to apply." in output for _, output in results) == [False, True]


NEW_APP = """
from bankproject.settings import *
INSTALLED_APPS = [*INSTALLED_APPS, "new_app"]
"""
NEW_TABLE = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel("Card", [
            ("id", models.BigAutoField(primary_key=True)),
            ("account", models.ForeignKey("accounts.Account", models.PROTECT)),
        ]),
    ]
"""


@pytest.mark.postgresql
def test_a_migrate_that_waits_too_long_for_a_table_goes_on_when_it_is_free(bank: Bank) -> None:
    """Django adds the key when the migration ends, and leaves its transaction open if that fails.

    A guard that `migrate` puts back afterwards waits for the table too.
    """
    (bank.folder / "next_settings.py").write_text(NEW_APP)
    package = bank.folder / "new_app" / "migrations"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "0001_initial.py").write_text(NEW_TABLE)
    bank.environment["DJANGO_SETTINGS_MODULE"] = "next_settings"
    with psycopg.connect(bank.environment["DATABASE_URL"]) as writer:
        for waits_for in ("key", "guard"):
            if waits_for == "guard":
                writer.execute("DROP TRIGGER accounts_account_closed ON accounts_account")
                writer.commit()
            writer.execute("LOCK TABLE accounts_account IN ROW EXCLUSIVE MODE")
            process = bank.start("manage.py", "migrate", BANK_LOCK_TIMEOUT_SECONDS="1")
            lines = []
            while not lines or "goes on in 3 seconds (attempt 3 of 20)" not in lines[-1]:
                lines.append(process.stdout.readline())
                assert lines[-1], lines
            assert "Others use the tables (lock_timeout)." in lines[-1]
            writer.commit()
            code, output = finish(process)
            assert code == 0, output
        assert writer.execute("SELECT count(*) FROM new_app_card").fetchall() == [(0,)]
    assert bank.manage("check", "--database", "default")[0] == 0


def test_a_migrate_gives_up_on_a_table_that_is_never_free(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []

    def deadlock(*_: object, **__: object) -> None:
        attempts.append(1)
        raise OperationalError from psycopg.errors.DeadlockDetected()

    monkeypatch.setattr("django.core.management.commands.migrate.Command.handle", deadlock)
    monkeypatch.setattr("core.management.commands.migrate._PAUSE_SECONDS", 0)
    with pytest.raises(OperationalError):
        call_command("migrate", skip_checks=True)
    assert len(attempts) == 20


LOAD = """
import sys
import time
from decimal import Decimal
from pathlib import Path
import django
django.setup()
from core.commands import Origin
from transactions.commands import Deposit
from transactions.models import Transaction
from transactions.ledger.processor import process
from accounts.commands import OpenAccount
stop, origin = Path(sys.argv[1]), Origin(caller="job:load")
(account,) = process([OpenAccount(name="Load", currency="USD")], origin)
print("ready", flush=True)
done = 0
while not stop.exists():
    (row,) = process([Deposit(account_id=account.id, amount=Decimal(3))], origin)
    done += 1
    time.sleep(0.005)
account.refresh_from_db()
assert (account.balance, account.last_sequence) == (3 * done, done)
assert Transaction.objects.filter(credit_account=account, status="COMPLETED").count() == done
print("done", done)
"""


def test_a_kill_is_noticed_and_two_migrates_under_load_heal_it(next_release: Bank) -> None:
    code, output = next_release.manage("migrate", DIE_WHILE_MIGRATING="transactions")
    assert code == -signal.SIGKILL, output
    assert "Applying accounts.9999_wider_currency... OK" in output

    code, output = next_release.manage("check", "--database", "default")
    assert code == 1, output
    assert f"(bank.E001) Database 'default' lacks guards or views: {', '.join(LOST)}." in output

    stop = next_release.folder / "stop"
    loads = [next_release.start("-c", LOAD, str(stop)) for _ in range(2)]
    for load in loads:
        assert load.stdout.readline() == "ready\n"
    both = [next_release.start("manage.py", "migrate") for _ in range(2)]
    results = [finish(process) for process in both]
    stop.touch()
    # The load comes first: it asserts itself that each deposit succeeded, and that their sum is
    # right.
    for load in loads:
        code, output = finish(load)
        assert code == 0, output
        assert int(output.split()[-1]) > 10
    assert [code for code, _ in results] == [0, 0], results
    applied = ["Applying transactions.9999_wider_currency... OK" in output for _, output in results]
    assert sorted(applied) == [False, True]
    # The `migrate` that repairs them reports missing objects as a warning.
    assert any("(bank.W001)" in output for _, output in results)

    code, output = next_release.manage("check", "--database", "default")
    assert code == 0, output
