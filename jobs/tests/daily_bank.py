"""A bank that has something to do for each job."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from core.commands import Origin
from seals import keys
from seals.models import Seal
from statements.models import Statement
from statements.tests.monthly_bank import at, make_monthly_bank
from tests.factories import run
from transactions.commands import Withdraw
from transactions.models import ArchiveRun, Transaction, TransactionEvent, Verification

ORIGIN = Origin(caller="job:tests")
DAY = date(2025, 12, 1)
NOON = datetime(2025, 12, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class DailyBank:
    """`data` is the data folder, `backups` that of backups."""

    data: Path
    backups: Path


def make_daily_bank(folder: Path, settings: Any) -> DailyBank:
    """Three accounts, entries of three months, and a withdrawal that could not be paid."""
    if not (settings.SEAL_KEY or keys.key_path().exists()):
        keys.make_key(keys.key_path())
    bank = make_monthly_bank()
    with at(NOON):
        failed = run(Withdraw(account_id=bank.cid.id, amount=Decimal(5)))
    assert failed.failure_code == "insufficient_funds"
    return DailyBank(folder, settings.BACKUP_DIR)


@pytest.fixture
def daily_bank(settings: Any, tmp_path: Path) -> DailyBank:
    """With folders of its own, in which the database of this run has the bank's name."""
    settings.DATA_DIR = tmp_path / "data"
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.LAKE_DIR = None
    settings.DATA_DIR.mkdir()
    settings.BACKUP_DIR.mkdir()
    settings.ARCHIVE_AFTER_DAYS = 20
    settings.SEAL_KEY, settings.SEAL_KEY_FILE = b"", "seal_key.pem"
    known = connection.settings_dict
    if connection.vendor == "sqlite":
        (settings.DATA_DIR / "bank.sqlite3").symlink_to(known["NAME"])
    else:
        settings.DATABASE_URL = url_of_database()
    return make_daily_bank(settings.DATA_DIR, settings)


def url_of_database() -> str:
    """The URL of the database of this run."""
    known = connection.get_connection_params()
    password = f":{known['password']}" if known.get("password") else ""
    return (
        f"postgresql://{known.get('user', '')}{password}@/{known['dbname']}"
        f"?host={known['host']}&port={known.get('port', 5432)}"
    )


# What each job leaves behind; the same after its work was done twice.
TRACES: dict[str, Callable[[DailyBank], Any]] = {
    "seal_ledger": lambda _: Seal.objects.count(),
    "archive_transactions": lambda _: (
        Transaction.objects.filter(archived_at__isnull=False).count(),
        ArchiveRun.objects.filter(rows__gt=0).count(),
    ),
    "issue_statements": lambda _: Statement.objects.count(),
    "retry_failed": lambda _: TransactionEvent.objects.filter(event="RETRIED").count(),
    "backup": lambda bank: sorted(path.name for path in bank.backups.glob("bank*")),
    "export_lake": lambda bank: len(list((bank.data / "lake").rglob("*.parquet"))),
    "export_data": lambda bank: (bank.data / "manifest.json").exists(),
    "verify_ledger": lambda _: Verification.objects.filter(is_sound=True).exists(),
    "summarise_days": lambda _: None,
    "delete_expired": lambda _: None,
}
EXPECTED = {
    "seal_ledger": 1,
    "archive_transactions": (4, 1),
    "issue_statements": 8,
    "retry_failed": 1,
    "export_lake": 4,
    "export_data": True,
    "verify_ledger": True,
}
