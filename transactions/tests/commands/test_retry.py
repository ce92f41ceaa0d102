"""Retry, in process: which failures, how often, and what the events keep."""

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.commands import CloseAccount, FreezeAccount, UnfreezeAccount
from core import errors
from core.commands import Origin
from core.errors import (
    FAILURES_BY_DECISION,
    AlreadyReversed,
    BankError,
    InvalidTransition,
    NotFound,
    NotRetryable,
    PermissionDenied,
    RetryLimit,
)
from core.identifiers import uuid7
from tests.api import API, account_path, staff
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Cancel, Reject, Retry, Reverse, Transfer, Withdraw
from transactions.ledger.failures import is_retryable, read_beforehand
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.models import Batch, Transaction
from transactions.tests.queueing import claimed, history, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

RETRIED = ("RETRIED", "FAILED", "PENDING", 1)


def failed(account, amount: int | str = 12) -> JournalRow:
    """A withdrawal refused for lack of funds."""
    row = run(Withdraw(account_id=account.id, amount=Decimal(amount)))
    assert row.failure_code == "insufficient_funds"
    return row


def retry(row, **fields) -> JournalRow:
    return run(Retry(transaction_id=row.id, reason="Paid in", **fields))


def test_a_retry_completes_the_same_transaction(django_user_model) -> None:
    teller = django_user_model.objects.create_user("teller")
    account = make_account(balance="4.5")
    row = failed(account)
    deposit(account, 8)
    origin = Origin(user_id=teller.id, caller="client:9", request_id="r-9", address="192.0.2.9")
    result = run(Retry(transaction_id=row.id, reason="Paid in"), origin)
    assert (result.id, result.status, result.retry_count) == (row.id, "COMPLETED", 1)
    kept = Transaction.objects.get(pk=row.id)
    assert (kept.status, kept.retry_count, kept.failure_code) == ("COMPLETED", 1, "")
    assert (kept.debit_sequence, kept.debit_balance_after) == (3, Decimal("0.5"))
    assert history(row) == [RETRIED, ("COMPLETED", "PENDING", "COMPLETED", 1)]
    event = kept.events.get(event="RETRIED")
    assert (event.actor_id, event.caller, event.reason) == (teller.id, "client:9", "Paid in")
    assert (event.request_id, event.address) == ("r-9", "192.0.2.9")
    assert event.detail == {
        "failure_code": "insufficient_funds",
        "failure_detail": "4.50 USD available, 12.00 USD needed.",
    }


def test_a_retry_that_fails_again_keeps_each_failure() -> None:
    account = make_account(balance=4)
    row = failed(account)
    deposit(account, 3)
    again = retry(row)
    assert (again.status, again.failure_code) == ("FAILED", "insufficient_funds")
    assert again.refusal().transaction_id == row.id
    run(FreezeAccount(account_id=account.id))
    assert retry(row).failure_code == "account_frozen"
    details = [event.detail.get("failure_detail") for event in
               Transaction.objects.get(pk=row.id).events.order_by("id")]  # fmt: skip
    assert details == [
        "4.00 USD available, 12.00 USD needed.",
        "7.00 USD available, 12.00 USD needed.",
        "7.00 USD available, 12.00 USD needed.",
        f"Account {account.id} is frozen for debits.",
    ]
    run(UnfreezeAccount(account_id=account.id))
    deposit(account, 9)
    assert retry(row).debit_balance_after == 40_000
    assert [attempt for *_, attempt in history(row)] == [1, 1, 2, 2, 3, 3]


def test_a_queued_retry_waits_for_the_worker() -> None:
    account = make_account(balance=4)
    row = failed(account)
    with_worker = retry(row, queued=True)
    assert (with_worker.status, with_worker.retry_count) == ("PENDING", 1)
    assert outcome(row) == ("PENDING", "")
    assert history(row) == [RETRIED]
    deposit(account, 9)
    assert work() == 1
    assert outcome(row) == ("COMPLETED", "")


def test_a_queued_retry_stands_behind_those_who_wait_now() -> None:
    account = make_account(balance=4)
    row = failed(account)
    (other,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    retry(row, queued=True)
    assert claimed() == [other.id, row.id]


def test_what_was_scheduled_is_retried_at_once() -> None:
    account = make_account(balance=4)
    (row,) = queue_up(
        Withdraw(account_id=account.id, amount=Decimal(12), scheduled_for=timezone.now())
    )
    assert work() == 1
    deposit(account, 9)
    assert retry(row).status == "COMPLETED"
    assert Transaction.objects.get(pk=row.id).scheduled_for is None


def test_beyond_the_limit_only_who_may_exceed_it() -> None:
    account = make_account(balance=4)
    row = failed(account)
    for _ in range(2):
        retry(row, limit=2)
    with nothing_changes(), pytest.raises(RetryLimit):
        retry(row, limit=2)
    deposit(account, 9)
    assert retry(row, limit=2, may_exceed_limit=True).retry_count == 3
    assert outcome(row) == ("COMPLETED", "")


def test_only_what_failed_is_retried() -> None:
    account = make_account(balance=20)
    (started,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(2)))
    assert claimed() == [started.id]
    (pending,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    completed = deposit(account, 5)
    for row in (started, pending, completed):
        with nothing_changes(), pytest.raises(InvalidTransition):
            retry(row)
    with nothing_changes(), pytest.raises(NotFound):
        run(Retry(transaction_id=uuid4(), reason="none"))


def test_a_failure_that_somebody_decided_is_final(settings, django_user_model) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    account = make_account(balance=20)
    (cancelled,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(3)))
    run(Cancel(transaction_id=cancelled.id, reason="no"))
    rejected = run(Withdraw(account_id=account.id, amount=Decimal(60)))
    run(Reject(transaction_id=rejected.id, reason="no"))
    for row in (cancelled, rejected):
        with nothing_changes(), pytest.raises(NotRetryable):
            retry(row)


def test_a_closed_account_is_final() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id))
    row = run(Withdraw(account_id=account.id, amount=Decimal(3)))
    with nothing_changes(), pytest.raises(NotRetryable):
        retry(row)


@pytest.mark.parametrize(
    ("code", "retryable"),
    [
        ("insufficient_funds", True),
        ("account_frozen", True),
        ("limit_exceeded", True),
        ("balance_limit", True),
        ("processing_error", True),
        ("account_closed", False),
        *((code, False) for code in FAILURES_BY_DECISION),
    ],
)
def test_the_code_says_what_may_be_retried(code: str, retryable: bool) -> None:
    assert errors.is_retryable(code, is_final=False) is retryable
    assert not errors.is_retryable(code, is_final=True)


def test_failures_that_are_archived_or_of_an_atomic_batch_are_final(archive_file: Path) -> None:
    now = timezone.now()
    account = make_account()
    archived = failed(account, 3)
    archive(Selection(keep_last=0, include_failed=True), origin=ORIGIN)
    single, atomic = failed(account, 5), failed(account, 7)
    with nothing_changes(), pytest.raises(NotRetryable):
        retry(archived)
    for row, is_atomic, error in ((single, False, None), (atomic, True, NotRetryable)):
        batch = Batch.objects.create(id=uuid4(), caller="t", atomic=is_atomic, created_at=now)
        copied = Transaction.objects.get(pk=row.id)
        copied.id, copied.batch, copied.batch_index = uuid7(copied.created_at, 1), batch, 0
        copied.save(force_insert=True)
        if error:
            with nothing_changes(), pytest.raises(error):
                retry(copied)
        else:
            assert retry(copied).failure_code == "insufficient_funds"


def test_a_reversal_is_not_retried_beside_another_one() -> None:
    source, target = make_account(balance=20), make_account()
    sent = run(Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(12)))
    run(Withdraw(account_id=target.id, amount=Decimal(5)))
    refused = run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    assert refused.failure_code == "insufficient_funds"
    deposit(target, 30)
    assert run(Reverse(transaction_id=sent.id, reason="Sent twice")).status == "COMPLETED"
    for queued in (False, True):
        with nothing_changes(), pytest.raises(AlreadyReversed):
            retry(refused, queued=queued, may_reverse=True)


def test_retryable_follows_the_state_of_the_other_reversal(
    django_assert_num_queries: Any,
) -> None:
    """True unless another one waits or is posted; in lists, details and CSV alike."""
    source, target = make_account(balance=20), make_account()
    sent = run(Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(12)))
    run(Withdraw(account_id=target.id, amount=Decimal(5)))
    refused = [run(Reverse(transaction_id=sent.id, reason="Sent twice")) for _ in range(3)]
    client = staff("supervisor")

    def told() -> list[list[bool]]:
        paths = [f"{API}transactions/", account_path(source, "transactions")]
        pages = [client.get(path, {"status": "FAILED"}).json()["results"] for path in paths]
        pages += [[client.get(f"{API}transactions/{row.id}/").json() for row in refused]]
        text = b"".join(client.get(paths[0], {"format": "csv", "status": "FAILED"}))
        in_csv = [row["failure_retryable"] for row in csv.DictReader(text.decode().splitlines())]
        return [[row["failure"]["retryable"] for row in page] for page in pages] + [
            [{"true": True, "false": False}[cell] for cell in in_csv]
        ]

    assert told() == [[True] * 3] * 4
    deposit(target, 30)
    assert run(Reverse(transaction_id=sent.id, reason="Sent twice")).status == "COMPLETED"
    assert told() == [[False] * 3] * 4
    rows = list(Transaction.objects.filter(status="FAILED"))
    with django_assert_num_queries(1):  # None of them belongs to a batch.
        read_beforehand(rows)
        assert not any(map(is_retryable, rows))
    output = StringIO()
    with nothing_changes():
        call_command("retry_failed", stdout=output)
    assert output.getvalue().startswith("Retried 0 transactions")


def test_who_may_not_reverse_may_not_retry_a_reversal() -> None:
    source, target = make_account(balance=20), make_account()
    sent = run(Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(12)))
    run(Withdraw(account_id=target.id, amount=Decimal(5)))
    refused = run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    deposit(target, 30)
    with nothing_changes(), pytest.raises(PermissionDenied):
        retry(refused)
    assert retry(refused, may_reverse=True).status == "COMPLETED"


def test_a_refused_retry_takes_its_list_with_it() -> None:
    account = make_account(balance=4)
    row, other = failed(account), failed(account, 6)
    deposit(account, 3)
    with nothing_changes(), pytest.raises(BankError) as caught:
        process(
            [
                Retry(transaction_id=other.id, reason="a"),
                Retry(transaction_id=row.id, reason="b", limit=0),
            ],
            ORIGIN,
        )
    assert caught.value.code == "retry_limit"
    results = process(
        [Retry(transaction_id=each.id, reason="again") for each in (other, row)], ORIGIN
    )
    assert [each.status for each in results] == ["COMPLETED", "FAILED"]
    assert results[0].debit_balance_after == 10_000
