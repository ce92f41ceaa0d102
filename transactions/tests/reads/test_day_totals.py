"""Daily thresholds: one maker's movements of a day need approval as their sum would."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.commands import FreezeAccount, UnfreezeAccount
from accounts.models import Account
from core.api.idempotency import fingerprint
from core.commands import Origin
from core.errors import ApprovalRequired
from tests.assertions import BULK_INSERT, SHORT_WRITE, nothing_changes
from tests.factories import ORIGIN, make_account, run
from tests.plans import nodes, plan_of, statements_of
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import (
    Approve,
    Cancel,
    Deposit,
    MoneyCommand,
    Reject,
    Retry,
    Reverse,
    Transfer,
    Withdraw,
)
from transactions.ledger.day_totals import DayTotals
from transactions.ledger.processor import process, process_all_or_none, try_out
from transactions.models import Transaction
from transactions.queue.acceptance import accept
from transactions.tests.archiving import take
from transactions.tests.queueing import work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean_ledger")]

NOW = datetime(2100, 3, 1, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _thresholds(settings: Any) -> None:
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {"USD": Decimal(100), "JPY": Decimal(500)}


@pytest.fixture
def maker() -> Origin:
    return origin_of("maker")


@pytest.fixture
def checker() -> Origin:
    return origin_of("checker")


@pytest.fixture
def ada() -> Account:
    return make_account(balance=50)


def origin_of(name: str) -> Origin:
    user = get_user_model().objects.create_user(name)
    return Origin(user_id=user.pk, caller=f"user:{user.pk}")


def deposit(account: Account, amount: str | int, origin: Origin, **fields: Any) -> Any:
    return run(Deposit(account_id=account.id, amount=Decimal(amount), **fields), origin)


def waits(results: Sequence[Any]) -> list[bool]:
    """Whether each result waits for approval; asserts that the stored row agrees."""
    for row in results:
        stored = Transaction.objects.get(pk=row.id)
        assert (stored.status, stored.approval_required) == (row.status, row.approval_required)
        assert not row.approval_required or row.status == "PENDING"
    return [row.approval_required for row in results]


def test_the_sum_may_reach_the_threshold_and_not_pass_it(ada: Account, maker: Origin) -> None:
    assert waits([deposit(ada, "99.99", maker), deposit(ada, "0.01", maker)]) == [False, False]
    assert waits([deposit(ada, "0.01", maker)]) == [True]
    ada.refresh_from_db()
    assert ada.balance == 150
    assert work() == 0


def test_a_single_one_above_it_waits_and_leaves_room_for_smaller_ones(
    ada: Account, maker: Origin
) -> None:
    assert waits([deposit(ada, amount, maker) for amount in ("100.01", 100)]) == [True, False]


def test_without_the_setting_nothing_waits(ada: Account, maker: Origin, settings: Any) -> None:
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {}
    assert waits([deposit(ada, 10**9, maker) for _ in range(3)]) == [False] * 3


def test_all_kinds_of_movement_count(ada: Account, maker: Origin) -> None:
    bob = make_account()
    first = deposit(ada, 40, maker)
    kinds = [
        first,
        run(Withdraw(account_id=ada.id, amount=Decimal(10)), maker),
        run(Transfer(account_id=ada.id, target_account_id=bob.id, amount=Decimal(10)), maker),
        run(Reverse(transaction_id=first.id, reason="Wrong"), maker),
    ]
    assert waits([*kinds, deposit(ada, "0.01", maker)]) == [False] * 4 + [True]


def test_each_maker_currency_and_day_has_a_sum_of_its_own(ada: Account, maker: Origin) -> None:
    yen, euro = make_account(currency="JPY"), make_account(currency="EUR")
    with time_machine.travel(NOW, tick=False):
        assert waits([deposit(ada, 100, maker), deposit(ada, 1, maker)]) == [False, True]
        assert waits([deposit(ada, 100, origin_of("another"))]) == [False]
        assert waits([deposit(yen, 500, maker), deposit(yen, 1, maker)]) == [False, True]
        assert waits([deposit(euro, 10**9, maker)]) == [False]
    with time_machine.travel(NOW.replace(hour=23, minute=59, second=59), tick=False):
        assert waits([deposit(ada, 1, maker)]) == [True]
    with time_machine.travel(NOW.replace(day=2, hour=0, minute=0), tick=False):
        assert waits([deposit(ada, 100, maker), deposit(ada, 1, maker)]) == [False, True]


def test_the_day_is_that_of_the_bank(ada: Account, maker: Origin) -> None:
    """A new day begins in Auckland in the middle of the bank's day."""
    for hour in (10, 12):
        with (
            timezone.override("Pacific/Auckland"),
            time_machine.travel(NOW.replace(hour=hour), tick=False),
        ):
            assert waits([deposit(ada, 100, maker)]) == [hour == 12]


def test_requests_without_a_user_share_one_maker(ada: Account) -> None:
    """Requests without a user share one maker. The account's 50.00 are its first movement."""
    jobs = [ORIGIN, Origin(caller="job:another")]
    assert waits([deposit(ada, amount, jobs[amount % 2]) for amount in (40, 11, 10)]) == [
        False,
        True,
        False,
    ]


def test_what_failed_does_not_count(ada: Account, maker: Origin) -> None:
    refused = run(Withdraw(account_id=ada.id, amount=Decimal(90)), maker)
    (queued,) = accept([Deposit(account_id=ada.id, amount=Decimal(90))], maker)
    assert (refused.status, queued.status) == ("FAILED", "PENDING")
    assert waits([queued, deposit(ada, 11, maker)]) == [False, True]
    run(Cancel(transaction_id=queued.id, reason="Not wanted"), maker)
    assert waits([deposit(ada, 100, maker)]) == [False]


def test_what_a_second_person_approved_or_rejected_does_not_count(
    ada: Account, maker: Origin, checker: Origin
) -> None:
    approved, rejected = deposit(ada, 101, maker), deposit(ada, 102, maker)
    done = run(Approve(transaction_id=approved.id, reason="Checked"), checker)
    run(Reject(transaction_id=rejected.id, reason="No"), checker)
    assert done.status == "COMPLETED"
    # It does not count for the approver either, who is not its maker.
    assert waits([deposit(ada, 100, maker), deposit(ada, 100, checker)]) == [False, False]


@pytest.mark.django_db(transaction=True)
def test_what_was_archived_counts(ada: Account, maker: Origin, archive_file: Path) -> None:
    """Its row stays in the journal, with a mark."""
    row = deposit(ada, 100, maker)
    take()
    assert Transaction.objects.get(pk=row.id).archived_at
    assert archive_file.exists()
    assert waits([deposit(ada, 1, maker)]) == [True]


def test_earlier_ones_of_a_list_count(ada: Account, maker: Origin) -> None:
    commands = [Deposit(account_id=ada.id, amount=Decimal(amount)) for amount in (60, 50, 40, 1)]
    assert waits(process(commands, maker)) == [False, True, False, True]
    with nothing_changes(), pytest.raises(ApprovalRequired, match="send it by itself"):
        process_all_or_none(commands, origin_of("another"))


def test_earlier_items_of_a_batch_count(ada: Account, maker: Origin) -> None:
    items: list[MoneyCommand] = [
        Withdraw(account_id=ada.id, amount=Decimal(99)),  # Refused: it does not count.
        *(Deposit(account_id=ada.id, amount=Decimal("33.34")) for _ in range(3)),
    ]
    results = post_batch(BatchRequest(items, atomic=False), maker).results
    assert waits(results) == [False, False, False, True]
    with nothing_changes(), pytest.raises(ApprovalRequired) as refusal:
        post_batch(BatchRequest(items[1:], atomic=True), origin_of("another"))
    assert refusal.value.index == 2
    with nothing_changes():
        tried = post_batch(
            BatchRequest(items[1:], atomic=False), origin_of("third"), dry_run=True
        ).results
    assert [one.approval_required for one in tried] == [False, False, True]


def test_a_queued_batch_is_decided_on_when_it_is_asked_for(ada: Account, maker: Origin) -> None:
    items: list[MoneyCommand] = [Deposit(account_id=ada.id, amount=Decimal(40))] * 3
    results = post_batch(BatchRequest(items, atomic=False), maker, queued=True).results
    assert waits(results) == [False, False, True]
    assert work() == 2
    assert waits([deposit(ada, 21, maker)]) == [True]


def test_a_scheduled_movement_counts_for_the_day_of_its_request(
    ada: Account, maker: Origin
) -> None:
    later = NOW + timedelta(days=1)
    with time_machine.travel(NOW, tick=False):
        (scheduled,) = accept(
            [Deposit(account_id=ada.id, amount=Decimal(60), scheduled_for=later)], maker
        )
        assert waits([scheduled, deposit(ada, 41, maker)]) == [False, True]
    with time_machine.travel(later, tick=False):
        assert work() == 1
        assert waits([deposit(ada, 100, maker)]) == [False]


def test_a_replay_does_not_count_twice(ada: Account, maker: Origin) -> None:
    content = {"account_id": ada.id, "amount": Decimal(60)}
    keyed = {"idempotency_key": "k", "request_fingerprint": fingerprint("deposit", content)}
    command = Deposit(**content, **keyed)
    first = run(command, maker)
    for ask in (partial(process, [command], maker), partial(accept, [command], maker)):
        with nothing_changes():
            (again,) = ask()
        assert (again.replayed, again.as_transaction().pk) == (True, first.id)
    results = post_batch(
        BatchRequest([command, Deposit(account_id=ada.id, amount=Decimal(40))], atomic=False), maker
    ).results
    assert (results[0].replayed, waits(results[1:])) == (True, [False])


def test_a_retry_belongs_to_the_day_of_its_maker(
    ada: Account, maker: Origin, checker: Origin
) -> None:
    run(FreezeAccount(account_id=ada.id, reason="Order"))
    with time_machine.travel(NOW, tick=False):
        failed = [deposit(ada, 60, maker) for _ in range(3)]
    run(UnfreezeAccount(account_id=ada.id, reason="Lifted"))
    retries = [Retry(transaction_id=row.id, reason="Lifted") for row in failed]
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        assert waits([run(retries[0], maker)]) == [False]
        assert waits(process(retries[1:], checker)) == [True, True]
        assert waits([deposit(ada, 100, maker), deposit(ada, 100, checker)]) == [False, False]


def test_a_dry_run_says_that_it_would_wait(ada: Account, maker: Origin) -> None:
    deposit(ada, 60, maker)
    with nothing_changes():
        for amount, expected in ((40, False), (41, True), (40, False)):
            command = Deposit(account_id=ada.id, amount=Decimal(amount))
            (row,) = try_out([command], maker)
            assert row.approval_required is expected


def words(job: Any) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        job()
    texts = [query["sql"].strip().split("times: ")[-1] for query in queries]
    savepoints = ("SAVEPOINT", "RELEASE")  # These tests have them instead of BEGIN and COMMIT.
    return [word for text in texts if (word := text.split()[0].rstrip(";")) not in savepoints]


def test_it_costs_a_lock_and_a_read_where_it_is_set(
    ada: Account, maker: Origin, settings: Any
) -> None:
    command = Deposit(account_id=ada.id, amount=Decimal(1))
    locks = ["SELECT"] if connection.vendor == "postgresql" else []
    money = ["SELECT", *SHORT_WRITE]
    assert words(lambda: process([command], maker)) == [*locks, "SELECT", *money]
    assert words(lambda: accept([command], maker)) == [*locks, "SELECT", "SELECT", BULK_INSERT]
    settings.BANK_APPROVAL_DAILY_THRESHOLDS = {}
    assert words(lambda: process([command], maker)) == money
    assert words(lambda: accept([command], maker)) == ["SELECT", BULK_INSERT]


def test_a_day_of_a_maker_is_read_once(ada: Account, maker: Origin) -> None:
    """The rows were requested at different moments of two days, which takes two statements."""
    refused = Withdraw(account_id=ada.id, amount=Decimal(60))
    with time_machine.travel(NOW):
        rows = [run(refused, maker) for _ in range(3)]
    with time_machine.travel(NOW + timedelta(days=1)):
        rows.append(run(refused, maker))
        assert {row.status for row in rows} == {"FAILED"}
        retries = [Retry(transaction_id=row.id, queued=True) for row in rows]
        with CaptureQueriesContext(connection) as queries:
            process(retries, maker)
    sums = [query for query in queries if "SUM(" in query["sql"]]
    assert len(sums) == 2


@pytest.mark.postgresql
def test_the_sum_reads_what_the_maker_asked_for_on_that_day(ada: Account, maker: Origin) -> None:
    """Other makers have requests on that day, and the same maker has some on other days."""
    rival = origin_of("rival")
    for day in range(4):
        with time_machine.travel(NOW + timedelta(days=day), tick=False):
            for origin, count in ((rival, 1500), (maker, 50)):
                process([Deposit(account_id=ada.id, amount=Decimal("0.01"))] * count, origin)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE transactions_transaction")
    day = NOW + timedelta(days=2)
    for user_id, count in ((maker.user_id, 50), (None, 0)):
        (statement,) = statements_of(partial(DayTotals().read, user_id, day))
        (scan,) = [node for node in nodes(plan_of(statement)) if "Index Name" in node]
        assert scan["Index Name"] == "transaction_makers"
        assert scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0) == count
