"""Files that the bank relies on are on the disk before it goes on, each with its name.

`core/tests/test_file_order.py` has the files that `core.files` replaces, and the tests of the
archive have its file.
"""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from bankproject.secret_key import kept_secret_key
from deploy import backups, make_secrets
from tests.factories import make_account
from transactions.batches import posting
from transactions.management.commands import post_batch


@pytest.mark.django_db(transaction=True)
def test_results_of_a_piece_are_durable_before_the_next_is_posted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: list[str]
) -> None:
    account = make_account()
    path = tmp_path / "pay.csv"
    lines = [f"DEPOSIT,{account.id},{n}.00" for n in range(1, 4)]
    path.write_text("\n".join(["type,account_id,amount", *lines]) + "\n")
    post = posting.post_batch

    def recorded_post(*request: Any) -> Any:
        done = post(*request)
        disk.append("committed")
        return done

    monkeypatch.setattr(post_batch, "_PIECE", 2)
    monkeypatch.setattr(posting, "post_batch", recorded_post)
    call_command("post_batch", str(path))
    piece = ["committed", "fsync pay.csv.results"]
    assert disk == ["fsync folder", "fsync pay.csv.results", *piece, *piece]


def test_the_secret_key_is_durable_before_it_signs(tmp_path: Path, disk: list[str]) -> None:
    kept_secret_key(tmp_path / "secret_key")
    assert disk == ["fsync temporary", "link secret_key", "fsync folder"]


def test_the_secrets_of_compose_are_durable_before_the_database_is_made(
    tmp_path: Path, disk: list[str]
) -> None:
    for name in ("kept", "db", "owner", "app"):
        (tmp_path / name).mkdir()
    make_secrets.distribute(tmp_path, {}, production=False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 9
    assert disk[::3] == ["fsync temporary"] * len(files)
    assert sorted(disk[1::3]) == sorted(f"replace {path.name}" for path in files)
    assert disk[2::3] == ["fsync folder"] * len(files)


def test_a_backup_and_its_digest_are_durable_before_its_name(
    tmp_path: Path, disk: list[str]
) -> None:
    """On SQLite; a dump of PostgreSQL takes the same way."""
    bank = tmp_path / "bank"
    bank.mkdir()
    with sqlite3.connect(bank / backups.SQLITE_NAME) as database:
        database.execute("CREATE TABLE something (number)")
    database.close()
    made = backups.backup(tmp_path, {"BANK_DATA_DIR": str(bank)})
    digest = [f"fsync {made.name}.sha256", "fsync folder"]
    assert disk == ["fsync temporary", *digest, f"rename {made.name}", "fsync folder"]
    disk.clear()
    backups.place(made, {"BANK_DATA_DIR": str(tmp_path / "elsewhere")})
    assert disk == ["fsync temporary", f"link {backups.SQLITE_NAME}", "fsync folder"]
