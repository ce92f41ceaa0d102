"""The transactions that an archive run takes, its output, and the state it leaves unchanged."""

import hashlib
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError
from django.db import connection

from tests.api import API, ApiClient, account_path, make_user, shown, staff
from tests.assertions import nothing_changes
from tests.factories import deposit
from transactions.archive.selection import Selection
from transactions.files.formats import ARCHIVED_TRANSACTIONS
from transactions.models import ArchiveRun, ArchiveSegment, Transaction
from transactions.reads.selectors import balance_report
from transactions.tests.archiving import (
    EVERYTHING,
    START,
    Bank,
    archived_ids,
    command,
    findings,
    make_bank,
    prove,
    rows_of,
    take,
)
from transactions.verifier import examine

pytestmark = pytest.mark.django_db

LATER = START + timedelta(days=100)


def header_digest() -> str:
    return hashlib.sha256(ARCHIVED_TRANSACTIONS.header).hexdigest()


def test_a_run_is_in_the_file_in_the_marks_and_in_its_record(archive_file: Path) -> None:
    bank = make_bank()
    with time_machine.travel(LATER, tick=False):
        run = take().run
    rows = rows_of(archive_file)
    # Completed transactions by time, and then failed ones.
    assert [row["id"] for row in rows] == [str(bank.ids[i]) for i in (0, 1, 2, 4, 5, 3)]
    assert [row["amount"] for row in rows] == ["100.00", "7.25", "30.50", "2.00", "700", "999.00"]
    assert rows[0]["description"] == '=1+1, "quoted"'
    assert rows[5]["failure_code"] == "insufficient_funds"
    data = archive_file.read_bytes()[len(ARCHIVED_TRANSACTIONS.header) :]
    completed, failed = ArchiveSegment.objects.all()
    assert (completed.rows, failed.rows) == (5, 1)
    cut = completed.file_end - completed.file_start
    first = hashlib.sha256(bytes.fromhex(header_digest()) + data[:cut]).hexdigest()
    second = hashlib.sha256(bytes.fromhex(first) + data[cut:]).hexdigest()
    assert [completed.digest, failed.digest] == [first, second]
    stored = ArchiveRun.objects.get()
    assert stored == run
    assert (stored.rows, stored.sums) == (6, {"JPY": "700", "USD": "1138.75"})
    assert (stored.file_start, stored.file_end) == (
        len(ARCHIVED_TRANSACTIONS.header),
        archive_file.stat().st_size,
    )
    assert (stored.digest, stored.problem, stored.caller) == (second, "", "job:tests")
    assert (stored.started_at, stored.finished_at) == (LATER, LATER)
    assert stored.bounds == {"keep_last": 0, "include_failed": True}
    marks = {(one.archive_run_id, one.archived_at) for one in Transaction.objects.all()}
    assert marks == {(run.pk, LATER), (run.pk, LATER + timedelta(microseconds=1))}
    prove(archive_file)
    assert examine(connection).ok


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(before=START), []),
        (Selection(before=START + timedelta(days=2)), [0, 1]),
        (Selection(before=START + timedelta(days=2, microseconds=1)), [0, 1, 2]),
        (Selection(before=LATER), [0, 1, 2, 4, 5]),
        (Selection(before=LATER, include_failed=True), [0, 1, 2, 3, 4, 5]),
        (Selection(before=START + timedelta(days=3), include_failed=True), [0, 1, 2]),
        (Selection(keep_last=0), [0, 1, 2, 4, 5]),
        # Of Ada's three postings and Bob's two, all but the newest; Jun's only one is kept.
        (Selection(keep_last=1), [0, 1]),
        # The transfer is Ada's second newest, and so is it Bob's newest.
        (Selection(keep_last=2), [0]),
        (Selection(keep_last=3), []),
        # Bob's failure is newer than all of his postings.
        (Selection(keep_last=1, include_failed=True), [0, 1]),
        (Selection(keep_last=0, include_failed=True), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_selection(selection: Selection, expected: list[int], archive_file: Path) -> None:
    bank = make_bank()
    totals = selection.totals()
    outcome = take(selection)
    assert archived_ids() == [bank.ids[index] for index in expected]
    assert sum(rows for rows, _ in totals.values()) == outcome.run.rows == len(expected)
    prove(archive_file)


def test_a_failure_is_archived_once_older_than_the_kept_rows(archive_file: Path) -> None:
    bank = make_bank()
    deposit(bank.bob, "1.00")
    deposit(bank.bob, "2.00")
    take(Selection(keep_last=2, include_failed=True))
    assert archived_ids() == [bank.ids[index] for index in (0, 1, 3)]
    prove(archive_file)


def test_one_account_by_id_and_by_number(archive_file: Path) -> None:
    bank = make_bank()
    for text, expected in ((str(bank.bob.id), 2), (bank.ada.number, 2), (bank.jun.number, 1)):
        assert command("--keep-last", "0", "--account", text)["rows"] == expected
    prove(archive_file)


def test_without_a_bound_it_takes_what_is_90_days_old(archive_file: Path, settings: Any) -> None:
    make_bank()
    with time_machine.travel(START + timedelta(days=91), tick=False):
        summary = command()
    assert (summary["rows"], summary["sums"]) == (1, {"USD": "100.00"})
    assert summary["bounds"]["before"] == (START + timedelta(days=1)).isoformat()
    settings.ARCHIVE_AFTER_DAYS = 3
    with time_machine.travel(START + timedelta(days=5, hours=1), tick=False):
        assert command()["rows"] == 2
    with time_machine.travel(START + timedelta(days=15), tick=False):
        assert command("--older-than", "10d", "--include-failed")["rows"] == 2
        assert command("--before", "2026-03-07")["rows"] == 1
    prove(archive_file)


def test_nothing_to_do_is_success_and_is_recorded(archive_file: Path) -> None:
    summary = command("--before", "2026-01-01T00:00:00+01:00")
    run = ArchiveRun.objects.get()
    assert summary == {
        "dry_run": False,
        "run_id": str(run.pk),
        "rows": 0,
        "sums": {},
        "bounds": {"before": "2025-12-31T23:00:00+00:00", "include_failed": False},
        "file": str(archive_file),
        "file_start": 398,
        "file_end": 398,
        "digest": header_digest(),
        "interrupted": [],
        "cut_bytes": 0,
    }
    assert run.finished_at is not None
    assert not run.problem
    assert archive_file.read_bytes() == ARCHIVED_TRANSACTIONS.header
    prove(archive_file)


def test_a_dry_run_touches_nothing(archive_file: Path) -> None:
    make_bank()
    with nothing_changes():
        summary = command("--keep-last", "0", "--include-failed", "--dry-run", "--json")
    assert summary == {
        "dry_run": True,
        "rows": 6,
        "sums": {"JPY": "700", "USD": "1138.75"},
        "bounds": {"keep_last": 0, "include_failed": True},
    }
    assert not archive_file.exists()
    assert not ArchiveRun.objects.exists()


def test_batches_are_segments_of_one_run_and_of_the_next(archive_file: Path) -> None:
    bank = make_bank()
    seen: list[int] = []
    run = take(Selection(before=START + timedelta(days=5)), batch_size=3, progress=seen.append).run
    assert seen == [3, 1]
    again = take(EVERYTHING, batch_size=1).run
    segments = list(ArchiveSegment.objects.all())
    assert [(one.number, one.run_id, one.rows) for one in segments] == [
        (1, run.pk, 3),
        (2, run.pk, 1),
        (3, again.pk, 1),
        (4, again.pk, 1),
    ]
    usd, jpy = (str(Transaction.objects.get(pk=bank.ids[i]).debit_account_id) for i in (0, 5))
    assert [one.checkpoint for one in segments] == [
        {usd: "-107.2500"},
        {usd: "-105.2500"},
        {usd: "-105.2500", jpy: "-700.0000"},
        {usd: "-105.2500", jpy: "-700.0000"},
    ]
    prove(archive_file)
    assert examine(connection).ok


def test_stopped_between_batches_it_keeps_what_it_has(archive_file: Path) -> None:
    make_bank()
    done: list[int] = []
    run = take(batch_size=2, progress=done.append, stopping=lambda: len(done) == 2).run
    assert (run.rows, run.problem) == (4, "The run was stopped before it finished.")
    prove(archive_file)
    assert take().run.rows == 2
    prove(archive_file)


WRONG = [
    (["--older-than", "90"], "no number of days"),
    (["--before", "2026-02-30"], "no date"),
    (["--before", "9999-12-31T23:59:59-01:00"], "no date"),
    (["--before", "2026-02-28T10:00:00"], "needs an offset"),
    (["--keep-last", "-1"], "not a whole number"),
    (["--older-than", "90d", "--before", "2026-01-01"], "not allowed with"),
    (["--older-than", "90d", "--keep-last", "3"], "not allowed with"),
    (["--batch-size", "0"], "--batch-size is 1 to"),
    (["--account", "123456789012"], "There is no account"),
    (["--account", "018f0000-0000-7000-8000-000000000000"], "There is no account"),
    (["--actor", "teller"], "teller has no right to do this"),
    (["--actor", "nobody"], "no active member of staff nobody"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_use_is_told(arguments: list[str], message: str, archive_file: Path) -> None:
    make_user("teller", role="teller")
    with pytest.raises(CommandError, match=message) as raised:
        command(*arguments)
    # On bad arguments the parser itself exits with 2.
    assert raised.value.returncode == 2 or "Error:" in str(raised.value)
    assert not archive_file.exists()


def test_the_record_names_who_asked(archive_file: Path) -> None:
    supervisor = make_user("supervisor", role="supervisor")
    command("--actor", "supervisor")
    run = ArchiveRun.objects.get()
    assert (run.actor, run.caller) == (supervisor, "job:archive_transactions")


def answers(bank: Bank, client: ApiClient) -> str:
    """All responses of the API about the bank, as one text."""
    at = shown(START + timedelta(days=2, hours=1))
    paths = [f"{API}transactions/", f"{API}transactions/?status=FAILED"]
    paths += [f"{API}transactions/{one}/" for one in bank.ids]
    for account in (bank.ada, bank.bob, bank.jun):
        paths += [account_path(account, name) for name in ("transactions", "entries", "balance")]
        paths += [f"{account_path(account, 'balance')}?at={at}"]
    told = []
    for path in paths:
        response = client.get(path)
        assert response.status_code == 200
        told.append(json.dumps(response.json()))
    return "\n".join(told)


def test_every_answer_is_the_same_before_and_after(archive_file: Path) -> None:
    """A2."""
    bank, client = make_bank(), staff("auditor")
    cash = Transaction.objects.get(pk=bank.ids[0]).debit_account
    with time_machine.travel(LATER, tick=False):
        before = answers(bank, client)
        assert balance_report(cash, None)["balance"] == Decimal("-105.25")
        take(Selection(keep_last=1))
        assert archived_ids() == bank.ids[:2]
        assert answers(bank, client) == before
        assert balance_report(cash, None)["balance"] == Decimal("-105.25")
        take(Selection(before=LATER))
        assert answers(bank, client) == before
        # An archived failure is final; all else is unchanged.
        take()
        assert before.count('"retryable": true') == 4
        assert answers(bank, client) == before.replace('"retryable": true', '"retryable": false')
    assert examine(connection).ok
    assert balance_report(cash, None)["balance"] == Decimal("-105.25")
    deposit(bank.ada, "3.00")
    assert balance_report(cash, None)["balance"] == Decimal("-108.25")
    prove(archive_file)


def test_an_archived_failure_is_not_retried(archive_file: Path) -> None:
    bank = make_bank()
    take()
    with nothing_changes():
        response = staff("teller").post(
            f"{API}transactions/{bank.ids[3]}/retry/", {"reason": "there is money now"}
        )
    assert response.status_code == 409
    assert response.json()["code"] == "not_retryable"


def test_an_archived_transaction_can_be_reversed(archive_file: Path) -> None:
    bank = make_bank()
    take()
    response = staff("supervisor").post(
        f"{API}transactions/{bank.ids[2]}/reverse/", {"reason": "sent twice"}
    )
    assert response.status_code == 200
    assert response.json()["reverses"] == str(bank.ids[2])
    assert findings() == []
    assert take().run.rows == 1
    prove(archive_file)
