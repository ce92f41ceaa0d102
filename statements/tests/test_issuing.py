"""Statements are exact ranges of months, each issued once."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import CloseAccount, ReopenAccount
from accounts.models import Account
from core.errors import InvalidInput, NotFound
from statements.entries import EntryRange, entries_of
from statements.issuing import issue_for_account, issue_for_all, last_ended_month
from statements.models import Statement
from statements.periods import Month
from statements.tests.monthly_bank import (
    DECEMBER,
    LAST_OF_OCTOBER,
    NOVEMBER,
    OCTOBER,
    ORIGIN,
    MonthlyBank,
    all_digests,
    at,
    figures,
    make_monthly_bank,
    require_joined,
)
from tests.factories import make_account, run
from transactions.commands import Deposit, Withdraw

pytestmark = pytest.mark.django_db(transaction=True)

SEP, OCT, NOV = (Month.parse(f"2025-{month:02}") for month in (9, 10, 11))


@pytest.fixture
def bank() -> MonthlyBank:
    return make_monthly_bank()


def issue(until: Month, now: datetime = DECEMBER) -> int:
    with at(now):
        return issue_for_all(until, origin=ORIGIN)


def test_months_are_exact_ranges_and_join(bank: MonthlyBank) -> None:
    assert issue(OCT) == 5
    zero, hundred = Decimal(0), Decimal(100)
    assert figures(bank.ada) == [
        ("2025-09", 1, 1, zero, zero, hundred, hundred, 1),
        ("2025-10", 2, 3, hundred, Decimal("32.50"), zero, Decimal("67.50"), 2),
    ]
    assert figures(bank.bob) == [
        ("2025-09", 1, 0, zero, zero, zero, zero, 0),
        ("2025-10", 1, 1, zero, zero, Decimal("30.50"), Decimal("30.50"), 1),
    ]
    assert figures(bank.cid) == [("2025-10", 1, 0, zero, zero, zero, zero, 0)]
    require_joined()


def test_a_second_run_does_nothing_and_a_later_one_goes_on(bank: MonthlyBank) -> None:
    assert [issue(SEP), issue(SEP), issue(OCT), issue(SEP), issue(OCT)] == [2, 0, 3, 0, 0]
    step_by_step = all_digests()
    assert issue(NOV) == 3
    assert figures(bank.bob)[-1][1:3] == (2, 2)
    require_joined()
    assert step_by_step.items() <= all_digests().items()


def test_at_once_and_step_by_step_give_the_same_digests(bank: MonthlyBank) -> None:
    with at(DECEMBER):
        issue_for_account(bank.ada.id, SEP, origin=ORIGIN)
        issue_for_account(bank.ada.id, OCT, origin=ORIGIN)
    assert issue(OCT) == 3
    first, second = bank.ada.statements.order_by("number")
    assert second.previous == first
    assert (second.caller, second.issued_by) == ("job:tests", None)
    require_joined()


def test_the_digest_is_the_documented_one(bank: MonthlyBank) -> None:
    issue(OCT)
    second = bank.ada.statements.get(number=2)
    lines = [
        [
            entry.sequence, str(entry.transaction_id), entry.transaction.type,
            f"{entry.posted_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            f"{entry.transaction.effective_at:%Y-%m-%dT%H:%M:%S.%fZ}",
            int(entry.amount * 10_000), int(entry.balance_after * 10_000),
            bank.bob.number if entry.transaction.type == "TRANSFER" else "",
            entry.transaction.description, None,
        ]
        for entry in bank.ada.entries.filter(sequence__in=(2, 3)).order_by("sequence")
    ]  # fmt: skip
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    text = "".join(f"{json.dumps(line, **compact)}\n" for line in lines)
    head = [
        "bank-statement-1", second.secret, str(bank.ada.id), bank.ada.number, "USD", 2,
        "2025-10-01T00:00:00.000000Z", "2025-11-01T00:00:00.000000Z",
        2, 1_000_000, 675_000, 325_000, 0, 2, hashlib.sha256(text.encode()).hexdigest(),
        bank.ada.statements.get(number=1).digest,
    ]  # fmt: skip
    expected = hashlib.sha256(f"{json.dumps(head, **compact)}\n".encode()).hexdigest()
    assert second.digest == expected


def test_the_same_figures_have_another_secret_and_digest(bank: MonthlyBank) -> None:
    issue(OCT)
    secrets = set(Statement.objects.values_list("secret", flat=True))
    assert len(secrets) == Statement.objects.count() == 5
    assert all(re.fullmatch("[0-9a-f]{64}", secret) for secret in secrets)


@pytest.mark.parametrize("portion", [1, 2, 3, 7, 100])
def test_many_entries_are_read_in_parts(bank: MonthlyBank, portion: int) -> None:
    with at(OCTOBER.replace(day=20)):
        for _ in range(5):
            run(Deposit(account_id=bank.cid.id, amount=Decimal(1)))
    ranges = [EntryRange(bank.cid.id, 1, 5), EntryRange(bank.bob.id, 1, 0)]
    ranges += [EntryRange(bank.ada.id, 2, 9)]
    found = entries_of(ranges, LAST_OF_OCTOBER, portion=portion)
    expected = [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (2, 2)]
    assert [(one.place, one.sequence) for one in found] == expected


@pytest.mark.parametrize("now", [LAST_OF_OCTOBER, OCTOBER])
def test_a_month_that_has_not_ended_is_refused(bank: MonthlyBank, now: datetime) -> None:
    with at(now), pytest.raises(InvalidInput) as refused:
        issue_for_all(OCT, origin=ORIGIN)
    assert [error.code for error in refused.value.errors] == ["not_ended"]
    assert not Statement.objects.exists()


def test_a_month_can_be_issued_from_its_last_midnight_on(bank: MonthlyBank) -> None:
    with at(NOVEMBER):
        assert last_ended_month() == OCT
    with at(LAST_OF_OCTOBER):
        assert last_ended_month() == SEP
    assert issue(OCT, NOVEMBER) == 5


def test_an_account_opened_later_gets_none(bank: MonthlyBank) -> None:
    assert issue(SEP) == 2
    with at(DECEMBER), pytest.raises(InvalidInput) as refused:
        issue_for_account(bank.cid.id, SEP, origin=ORIGIN)
    assert [error.code for error in refused.value.errors] == ["before_account"]
    assert not bank.cid.statements.exists()


def test_the_bank_s_own_accounts_have_none(bank: MonthlyBank) -> None:
    cash = Account.objects.get(kind="INTERNAL")
    with at(DECEMBER), pytest.raises(NotFound):
        issue_for_account(cash.id, OCT, origin=ORIGIN)


def test_a_closed_account_gets_no_more_until_it_is_reopened(
    bank: MonthlyBank, settings: Any
) -> None:
    settings.BANK_REOPEN_DAYS = 90
    with at(OCTOBER.replace(day=20)):
        run(CloseAccount(account_id=bank.cid.id, reason="Asked for"))
    issue(NOV)
    assert [row[0] for row in figures(bank.cid)] == ["2025-10"]
    with at(DECEMBER + timedelta(days=1)):
        run(ReopenAccount(account_id=bank.cid.id, reason="By mistake"))
    assert issue(NOV, DECEMBER + timedelta(days=2)) == 1
    assert [row[0] for row in figures(bank.cid)] == ["2025-10", "2025-11"]


def test_months_follow_the_bank_s_time_zone_and_join_if_it_changes(
    bank: MonthlyBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issue(SEP) == 2
    monkeypatch.setattr(
        "django.utils.timezone.get_default_timezone", lambda: ZoneInfo("Asia/Tokyo")
    )
    assert issue(OCT) == 3
    second = bank.ada.statements.get(number=2)
    assert second.starts_at == OCTOBER
    assert second.ends_at == datetime(2025, 10, 31, 15, tzinfo=UTC)
    # The last entry of October in UTC belongs to November in Tokyo.
    assert (second.last_sequence, second.time_zone) == (2, "Asia/Tokyo")
    require_joined()


def test_an_earlier_value_date_does_not_move_an_entry(bank: MonthlyBank, settings: Any) -> None:
    settings.BANK_BACKDATE_DAYS = 30
    with at(NOVEMBER.replace(day=3)):
        early = Withdraw(
            account_id=bank.ada.id, amount=Decimal(1), effective_at=NOVEMBER - timedelta(days=4)
        )
        run(early)
    issue(NOV)
    assert figures(bank.ada)[2][1:3] == (4, 4)
    require_joined()


def test_more_accounts_cost_no_statement_more(bank: MonthlyBank) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            issue(OCT)
        # Waiting for other database transactions takes any number.
        return sum("pg_snapshot_xmin" not in query["sql"] for query in queries)

    few = cost()
    for _ in range(20):
        with at(OCTOBER.replace(day=9)):
            make_account(balance=3)
    assert cost() <= few
    require_joined()


@pytest.mark.parametrize("text", ["2025-13", "2025-1", "1969-12", "9999-01", "", "2025-10-01", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Month.parse(text)
    assert [error.pointer for error in refused.value.errors] == ["period"]


def test_months_follow_each_other_over_the_year() -> None:
    december = Month.parse("2025-12")
    assert str(december.next) == "2026-01"
    assert december.next.previous == december
    assert SEP < OCT
