"""Postings under way at midnight, while the month is issued: none is missing, none is moved."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from core import clock
from statements.issuing import issue_for_account, issue_for_all
from statements.periods import Month
from statements.tests.monthly_bank import (
    LAST_OF_OCTOBER,
    NOVEMBER,
    ORIGIN,
    MonthlyBank,
    at,
    make_monthly_bank,
    require_joined,
)
from transactions.commands import Deposit
from transactions.ledger.processor import process
from transactions.models import Entry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

OCT = Month.parse("2025-10")


@pytest.fixture
def bank() -> MonthlyBank:
    return make_monthly_bank()


class LatePosting(threading.Thread):
    """A deposit to Cid that gets its moment before midnight, and commits when it may."""

    def __init__(self, bank: MonthlyBank, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.bank = bank
        self.is_written, self.may_commit = threading.Event(), threading.Event()
        monkeypatch.setattr("transactions.ledger.processor.failpoint", self._wait)

    def _wait(self, point: str) -> None:
        if point == "process.written":
            self.is_written.set()
            assert self.may_commit.wait(30)

    def run(self) -> None:
        try:
            process([Deposit(account_id=self.bank.cid.id, amount=Decimal(5))], ORIGIN)
        finally:
            connection.close()


def _issue_all(_bank: MonthlyBank) -> int:
    return issue_for_all(OCT, origin=ORIGIN)


def _issue_one(bank: MonthlyBank) -> int:
    return issue_for_account(bank.cid.id, OCT, origin=ORIGIN)


@pytest.mark.parametrize("issue", [_issue_all, _issue_one])
def test_issuing_waits_for_what_is_under_way(
    bank: MonthlyBank, issue: Callable[[MonthlyBank], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    late = LatePosting(bank, monkeypatch)
    with at(LAST_OF_OCTOBER):
        late.start()
        assert late.is_written.wait(30)
    done: list[Any] = []

    def work() -> None:
        try:
            done.append(issue(bank))
        finally:
            connection.close()

    with at(NOVEMBER.replace(day=2)):
        issuing = threading.Thread(target=work)
        issuing.start()
        issuing.join(0.7)
        assert issuing.is_alive()
        assert done == []
        late.may_commit.set()
        issuing.join(30)
        late.join(30)
        assert bank.cid.statements.get().closing_balance == 5
    assert Entry.objects.get(account=bank.cid).posted_at == LAST_OF_OCTOBER
    require_joined()
    assert done == [5 if issue is _issue_all else 1]


def test_a_posting_after_the_month_was_issued_gets_a_later_moment(bank: MonthlyBank) -> None:
    """Also from a host whose clock is behind: the moment is the database's."""
    with at(NOVEMBER):
        assert issue_for_all(OCT, origin=ORIGIN) == 5
        (row,) = process([Deposit(account_id=bank.cid.id, amount=Decimal(1))], ORIGIN)
    entry = Entry.objects.get(transaction_id=row.id, account=bank.cid)
    assert entry.posted_at >= NOVEMBER > LAST_OF_OCTOBER
    with at(NOVEMBER):
        assert issue_for_all(OCT, origin=ORIGIN) == 0
        assert clock.now() == NOVEMBER
    require_joined()
