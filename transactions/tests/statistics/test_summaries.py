"""Summaries of closed days: when they are made, by whom, and how they are proved."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection

from accounts.models import Account
from tests.factories import make_account, run
from tests.plans import nodes, plan_of, statements_of
from transactions.commands import Deposit, Withdraw
from transactions.models import DaySummary, Transaction
from transactions.queue.worker import Worker
from transactions.statistics.daily import DailySummaries
from transactions.statistics.journal import groups
from transactions.statistics.report import WantedStatistics, statistics
from transactions.statistics.spans import Interval
from transactions.statistics.summaries import make_summaries
from transactions.tests.queueing import queue_up, work
from transactions.verifier import examine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]

NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
PATIENCE_SECONDS = 30


@pytest.fixture
def account() -> Account:
    with time_machine.travel(NOON - timedelta(days=1), tick=False):
        return make_account(balance=100)


def at(moment: datetime) -> Any:
    return time_machine.travel(moment, tick=False)


def summarised() -> list[tuple[date, int]]:
    return list(DaySummary.objects.order_by("day").values_list("day", "rows"))


def test_only_closed_days_are_summarised_and_each_once(account: Account) -> None:
    with at(NOON):
        run(Deposit(account_id=account.id, amount=Decimal(1)))
        assert make_summaries() == 1
        assert make_summaries() == 0
    with at(datetime(2026, 3, 10, 23, 59, 59, 999_999, tzinfo=UTC)):
        assert make_summaries() == 0
    with at(datetime(2026, 3, 13, tzinfo=UTC)):
        assert make_summaries() == 3
    assert summarised() == [
        (date(2026, 3, 9), 1), (date(2026, 3, 10), 1), (date(2026, 3, 11), 0),
        (date(2026, 3, 12), 0),
    ]  # fmt: skip


def test_a_bank_without_transactions_has_none() -> None:
    assert make_summaries() == 0


def test_what_is_completed_later_is_in_the_summary_of_that_day(account: Account) -> None:
    with at(NOON):
        queue_up(Withdraw(account_id=account.id, amount=Decimal(1)))
    with at(NOON + timedelta(days=2)):
        assert make_summaries() == 3
        work()
    with at(NOON + timedelta(days=3)):
        assert make_summaries() == 1
    assert summarised()[1:] == [
        (date(2026, 3, 10), 0), (date(2026, 3, 11), 0), (date(2026, 3, 12), 1),
    ]  # fmt: skip
    last = DaySummary.objects.latest("day")
    assert last.first_made == date(2026, 3, 10)
    (cell,) = last.days
    assert cell[:5] == ["2026-03-10", "WITHDRAW", "USD", 1, 10_000]
    # Two days, in microseconds, cut to two digits.
    assert cell[5:] == [[170_000_000_000], [1]]


def test_a_worker_makes_them_beside_its_work(account: Account) -> None:
    with at(NOON):
        worker = Worker()
        worker._upkeep()
        worker._daily_summaries.wait(PATIENCE_SECONDS)
        worker.stop()
        worker.run()
    assert summarised() == [(date(2026, 3, 9), 1)]


def test_a_job_that_is_told_to_stop_leaves_the_rest_to_the_next(account: Account) -> None:
    with at(NOON + timedelta(days=70)):
        job = DailySummaries()
        job.stop()
        job.work()
        assert DaySummary.objects.count() == 31
        DailySummaries().work()
        assert DaySummary.objects.count() == 71
        assert [str(each) for each in examine(connection).findings] == []


@pytest.mark.parametrize("column", ["rows", "days", "hours", "first_made", "gone"])
def test_the_verifier_finds_a_summary_that_differs(account: Account, column: str) -> None:
    with at(NOON):
        make_summaries()
    with at(NOON + timedelta(days=2)):
        make_summaries()
        wrong = DaySummary.objects.filter(day=date(2026, 3, 9))
        if column == "gone":
            wrong.delete()
        else:
            wrong.update(**{column: {"rows": 7, "first_made": None}.get(column, [])})
        (finding,) = examine(connection).findings
    assert (finding.code, finding.count) == ("S1.summary_differs", 1)
    assert finding.places[0].where == {"day": "2026-03-09"}


@pytest.mark.parametrize(
    ("interval", "most"), [(Interval.DAY, 2), (Interval.MONTH, 2), (Interval.HOUR, 25)]
)
def test_no_more_groups_are_read_than_are_shown(
    account: Account, monkeypatch: pytest.MonkeyPatch, interval: Interval, most: int
) -> None:
    """However many have failed: forty in forty quarters of an hour, of two days."""
    for number in range(40):
        with at(NOON + timedelta(minutes=36 * number)):
            run(Withdraw(account_id=account.id, amount=Decimal(999)))
    read = []

    def counted(*arguments: Any, **options: Any) -> Any:
        for group in groups(*arguments, **options):
            read.append(group)
            yield group

    monkeypatch.setattr("transactions.statistics.report.groups", counted)
    wanted = WantedStatistics(first=date(2026, 3, 10), end=date(2026, 3, 12), interval=interval)
    with at(NOON + timedelta(days=3)):
        make_summaries()
        found = statistics(wanted)
    assert sum(row.total.failed for row in found.rows) == 40
    assert 0 < len(read) <= most


@pytest.mark.postgresql
def test_statistics_read_the_journal_by_its_small_indexes() -> None:
    """A year of a bank with summaries reads no closed day from the journal, but what failed."""
    with at(NOON):
        accounts = [make_account(balance=10) for _ in range(5)]
    for day in range(20):
        with at(NOON + timedelta(days=day)):
            for account in accounts:
                for amount in (*range(20), 999):
                    run(Deposit(account_id=account.id, amount=Decimal(amount + 1)))
            run(Withdraw(account_id=accounts[0].id, amount=Decimal(99_999_999)))
    with at(NOON + timedelta(days=21)):
        make_summaries()
        with connection.cursor() as cursor:
            # Rows that earlier tests have deleted still make the indexes large.
            cursor.execute("REINDEX TABLE transactions_transaction")
            cursor.execute("ANALYZE")
        wanted = WantedStatistics(first=date(2026, 1, 1), end=date(2027, 1, 1))
        (read,) = [
            statement
            for statement in statements_of(lambda: statistics(wanted))
            if "transactions_transaction" in statement[0]
        ]
        plan = plan_of(read)
    assert Transaction.objects.count() > 2000
    rows = 0
    for node in nodes(plan):
        if node.get("Relation Name") == "transactions_transaction":
            assert node["Node Type"] != "Seq Scan", plan
            rows += node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    assert rows <= 20 + 1
