"""Claims: how long they are, and their rows, which are posted as the claim has read them."""

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.errors import ProcessingError
from core.money import to_units
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Retry, Withdraw
from transactions.ledger import execution, writer
from transactions.ledger.execution import check
from transactions.ledger.posting import HasPosting
from transactions.ledger.processor import process_claimed
from transactions.models import Transaction, TransactionEvent
from transactions.queue import waiting as queue
from transactions.queue import worker
from transactions.queue.acceptance import accept
from transactions.tests.queueing import WORKER, outcome, queue_up, work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]


def claim_of(*amounts: int, balance: int = 30) -> queue.Claim:
    account = make_account(balance=balance)
    commands = [Withdraw(account_id=account.id, amount=Decimal(amount)) for amount in amounts]
    accept(commands, ORIGIN)
    return queue.claim("mine", WORKER, batch_size=500)


def reads(statements: CaptureQueriesContext) -> int:
    """How many statements have read whole rows of the journal."""
    return sum("request_fingerprint" in query["sql"] for query in statements)


def post(claim: queue.Claim) -> list[tuple[Any, str]]:
    rows = process_claimed(claim.lease, WORKER, claimed=claim.rows)
    return [(row.id, row.status) for row in rows]


def test_a_claim_has_its_rows_as_they_are_stored() -> None:
    account = make_account(balance=5)
    (again,) = queue_up(Withdraw(account_id=account.id, amount=Decimal(7), description="Rent"))
    assert work() == 1
    run(Retry(transaction_id=again.id, reason="once more", queued=True))
    queue_up(
        Withdraw(account_id=account.id, amount=Decimal(2), idempotency_key="k"),
        Withdraw(
            account_id=account.id,
            amount=Decimal(3),
            scheduled_for=timezone.now() + timedelta(seconds=2),
        ),
    )
    with time_machine.travel(timezone.now() + timedelta(seconds=3), tick=False):
        claim = queue.claim("mine", WORKER, batch_size=500)
    assert len(claim.rows) == 3
    assert claim.rows == writer.lock_rows(Q(lease_token=claim.lease))


def test_they_are_not_read_again() -> None:
    claim = claim_of(7, 40, 3)
    with CaptureQueriesContext(connection) as statements:
        posted = post(claim)
    assert posted == list(
        zip(claim.transaction_ids, ["COMPLETED", "FAILED", "COMPLETED"], strict=True)
    )
    assert reads(statements) == 0
    assert [outcome(row) for row in claim.rows] == [
        ("COMPLETED", ""), ("FAILED", "insufficient_funds"), ("COMPLETED", ""),
    ]  # fmt: skip
    with nothing_changes():
        assert post(claim) == []


def test_what_was_taken_away_from_a_claim_is_left_out(settings) -> None:
    claim = claim_of(7, 4, 3)
    gone, *held = claim.transaction_ids
    Transaction.objects.filter(pk=gone).update(
        lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert queue.reap(WORKER) == 1
    with CaptureQueriesContext(connection) as statements:
        assert post(claim) == [(pk, "COMPLETED") for pk in held]
    assert reads(statements) == 1
    assert outcome(claim.rows[0]) == ("PENDING", "")
    assert work() == 1


def test_a_long_claim_is_given_back_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_MOST_AT_ONCE", 2)
    for size in (3, 4):
        claim = claim_of(*range(1, size + 1))
        assert queue.release(claim.lease, WORKER) == size
        assert {outcome(row) for row in claim.rows} == {("PENDING", "")}
        assert work() == size


def test_a_lost_claim_does_nothing() -> None:
    claim = claim_of(7, 4)
    assert queue.release(claim.lease, WORKER) == 2
    with nothing_changes():
        assert post(claim) == []
    other = queue.claim("other", WORKER, batch_size=500)
    with nothing_changes():
        assert post(claim) == []
    queue.fail(other.lease, other.transaction_ids[0], ProcessingError(), WORKER, reason="none")
    assert [status for _, status in post(other)] == ["COMPLETED"]


# The length of a claim. --------------------------------------------------------------------------


def lengths_of_claims() -> list[int]:
    """By the moments at which their rows were started."""
    started = TransactionEvent.objects.filter(event="STARTED").values_list("at", flat=True)
    return [count for _, count in sorted(Counter(started).items())]


@pytest.mark.parametrize(
    ("most", "lengths"), [(1, [1] * 11), (2, [2] * 5 + [1]), (5, [2, 4, 5]), (100, [2, 4, 5])]
)
def test_claims_grow_while_the_queue_fills_them(
    monkeypatch: pytest.MonkeyPatch, most: int, lengths: list[int]
) -> None:
    monkeypatch.setattr(worker, "_FIRST_CLAIM", 2)
    account = make_account(balance=30)
    accept([Withdraw(account_id=account.id, amount=Decimal(1))] * 11, ORIGIN)
    assert work(batch_size=most) == 11
    assert lengths_of_claims() == lengths


def test_after_a_poison_command_claims_are_short_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(worker, "_FIRST_CLAIM", 2)
    account = make_account(balance=30)
    commands = [Withdraw(account_id=account.id, amount=Decimal(1)) for _ in range(11)]
    commands[3] = Withdraw(account_id=account.id, amount=Decimal(13))
    accept(commands, ORIGIN)
    monkeypatch.setattr(execution, "check", poisoned)
    with caplog.at_level(logging.CRITICAL, worker.__name__):
        assert work(batch_size=100) == 11
    assert lengths_of_claims() == [2, 4, 2, 3]


def poisoned(posting: HasPosting, accounts: execution.Accounts, **rules: Any) -> None:
    if posting.amount == to_units(Decimal(13)):
        raise ZeroDivisionError
    check(posting, accounts, **rules)


# The server reports a deadlock at the first change of an account, and none after it.
_ONE_DEADLOCK = """
    CREATE SEQUENCE turns;
    CREATE FUNCTION one_deadlock() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('turns') = 1 THEN
            RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER one_deadlock AFTER UPDATE ON accounts_account
        FOR EACH STATEMENT EXECUTE FUNCTION one_deadlock();
"""
_NO_DEADLOCK = """
    DROP TRIGGER one_deadlock ON accounts_account;
    DROP FUNCTION one_deadlock;
    DROP SEQUENCE turns;
"""


@pytest.fixture
def one_deadlock() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_DEADLOCK)
        yield
        cursor.execute(_NO_DEADLOCK)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_attempt_after_a_deadlock_starts_from_what_is_stored(request) -> None:
    """The first attempt has already posted the rows in memory."""
    claim = claim_of(7, 40, 3)
    request.getfixturevalue("one_deadlock")
    with CaptureQueriesContext(connection) as statements:
        posted = post(claim)
    assert [status for _, status in posted] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert reads(statements) == 1
    rows = Transaction.objects.filter(pk__in=claim.transaction_ids).order_by("id")
    assert [row.debit_sequence for row in rows] == [2, None, 3]
