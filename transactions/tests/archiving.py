"""A small bank to archive, and the expected state of its archive."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import time_machine
from django.core.management import call_command
from django.db import connection

from accounts.models import Account
from core.commands import Origin
from tests.factories import make_account, run
from transactions.archive.runs import ArchiveOutcome, archive
from transactions.archive.selection import Selection
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.models import ArchiveRun, ArchiveSegment, Transaction
from transactions.verifier.archive_file import examine_archive

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = Origin(caller="job:tests")
EVERYTHING = Selection(keep_last=0, include_failed=True)


@dataclass
class Bank:
    """Ada and Bob; one movement a day from START on, in the order of `ids`, the fourth one failed.

    1 deposit of 100.00 to Ada, 2 deposit of 7.25 to Bob, 3 transfer of 30.50 from Ada to Bob,
    4 withdrawal of 999.00 from Bob, refused, 5 withdrawal of 2.00 from Ada, 6 deposit of 700 to
    Jun in yen.
    """

    ada: Account
    bob: Account
    jun: Account
    ids: list[UUID]


def make_bank() -> Bank:
    with time_machine.travel(START - timedelta(days=1), tick=False):
        ada, bob = make_account(name="Ada"), make_account(name="Bob")
        jun = make_account(name="Jun", currency="JPY")
    commands = [
        Deposit(account_id=ada.id, amount=Decimal(100), description='=1+1, "quoted"'),
        Deposit(account_id=bob.id, amount=Decimal("7.25"), description="gräßlich €"),
        Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal("30.50")),
        Withdraw(account_id=bob.id, amount=Decimal(999)),
        Withdraw(account_id=ada.id, amount=Decimal(2)),
        Deposit(account_id=jun.id, amount=Decimal(700)),
    ]
    ids = []
    for day, command in enumerate(commands):
        with time_machine.travel(START + timedelta(days=day), tick=False):
            ids.append(run(command).id)
    return Bank(ada, bob, jun, ids)


def take(selection: Selection = EVERYTHING, **options: Any) -> ArchiveOutcome:
    outcome = archive(selection, origin=ORIGIN, **options)
    assert outcome is not None
    return outcome


def command(*arguments: str) -> dict[str, Any]:
    """The JSON line that `archive_transactions` prints."""
    output = io.StringIO()
    call_command("archive_transactions", *arguments, stdout=output, stderr=io.StringIO())
    summary: dict[str, Any] = json.loads(output.getvalue())
    return summary


def rows_of(path: Path) -> list[dict[str, str]]:
    """The lines of the file, by column."""
    text = path.read_bytes().decode()
    assert text.startswith(ARCHIVED_TRANSACTIONS.header.decode())
    assert text.endswith("\r\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def archived_ids() -> list[UUID]:
    return list(
        Transaction.objects.filter(archived_at__isnull=False)
        .order_by("id")
        .values_list("id", flat=True)
    )


def findings() -> list[str]:
    return [finding.code for finding in examine_archive(connection).findings]


def prove(path: Path) -> None:
    """Each archived transaction is in the file once, and nothing else; all records agree."""
    report = examine_archive(connection)
    assert report.ok, "\n".join(report.lines())
    lines = [UUID(row["id"]) for row in rows_of(path)]
    assert sorted(lines) == archived_ids()
    last = ArchiveSegment.objects.last()
    assert path.stat().st_size == (last.file_end if last else len(ARCHIVED_TRANSACTIONS.header))
    assert not ArchiveRun.objects.filter(finished_at__isnull=True).exists()
