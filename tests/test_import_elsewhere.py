"""A bank moves to another database, of the same kind or the other, and back, unchanged."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from tests.exports import contents, export_inside, export_of
from tests.random_ledger import write_random_ledger
from tests.scratch import Bank
from tests.seed import seeded
from transactions.tests.eventful_bank import exported_eventful_bank

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# Fewer on SQLite, where a row costs more and proves the same.
TRANSACTIONS = {"postgresql": 100_000, "sqlite": 20_000}


def import_data(folder: Path) -> dict[str, Any]:
    out = StringIO()
    call_command("import_data", str(folder), stdout=out, stderr=StringIO())
    summary: dict[str, Any] = json.loads(out.getvalue())
    return summary


def require_same_files(one: Path, other: Path) -> None:
    here, there = contents(one), contents(other)
    assert [name for name in here if here[name] != there[name]] == []


def test_very_many_random_transactions_come_out_again(tmp_path: Path) -> None:
    count = TRANSACTIONS[connection.vendor]
    seed = seeded("round trip").getrandbits(32)
    folder = export_of(
        lambda: write_random_ledger(seed, accounts=500, transactions=count),
        tmp_path / "exported",
    )
    assert import_data(folder)["transactions"] == count
    require_same_files(export_inside(tmp_path / "again"), folder)


@pytest.mark.postgresql
def test_it_moves_to_sqlite_and_back(tmp_path: Path, settings: Any) -> None:
    exported = exported_eventful_bank(tmp_path)
    folder = tmp_path / "sqlite"
    (folder / "exported").mkdir(parents=True)
    with connection.cursor() as cursor:  # The other bank works for longer beside this session.
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    there = Bank(folder, "")
    for command in (
        ("migrate", "--verbosity=0"),
        ("import_data", str(exported)),
        ("export_data", "--dir", str(folder / "exported")),
    ):
        code, output = there.manage(*command)
        assert code == 0, output
    require_same_files(folder / "exported", exported)
    settings.DATA_DIR = tmp_path / "data of the bank that it comes back to"
    settings.DATA_DIR.mkdir()
    import_data(folder / "exported")
    require_same_files(export_inside(tmp_path / "back"), exported)
