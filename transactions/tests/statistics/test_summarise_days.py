"""`summarise_days`: a bank without workers gets its summaries, once, whenever a run was stopped."""

import io
import json
import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from accounts.models import Account
from core.results import BUSY, PROBLEM
from tests.factories import make_account, run
from transactions.commands import Deposit
from transactions.models import DaySummary
from transactions.statistics import summaries
from transactions.tests.statistics.test_summaries import NOON, at
from transactions.verifier import examine

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]


@pytest.fixture
def account() -> Account:
    with at(NOON - timedelta(days=69)):
        return make_account(balance=100)


def summarise() -> Any:
    out = io.StringIO()
    call_command("summarise_days", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_it_makes_what_is_missing_and_nothing_twice(account: Account) -> None:
    with at(NOON):
        run(Deposit(account_id=account.id, amount=Decimal(3)))
        assert summarise() == {"days": 69, "before": "2026-03-10"}
        kept = list(DaySummary.objects.values())
        assert summarise() == {"days": 0, "before": "2026-03-10"}
        assert list(DaySummary.objects.values()) == kept
    with at(NOON + timedelta(days=2)):
        assert summarise() == {"days": 2, "before": "2026-03-12"}
    with at(NOON + timedelta(days=2, seconds=1)):
        assert [str(each) for each in examine(connection).findings] == []


def test_an_empty_bank_has_nothing_to_summarise() -> None:
    assert summarise() == {"days": 0, "before": None}


def test_it_tells_people_how_far_summaries_reach(account: Account) -> None:
    out = io.StringIO()
    with at(NOON):
        call_command("summarise_days", stdout=out)
    said = "Made the summaries of 69 days. All days before 2026-03-10 have one.\n"
    assert out.getvalue() == said


def test_a_stopped_run_is_continued(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the second month: the first one stays."""
    groups, calls = summaries.groups, []

    def interrupted(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return groups(*arguments, **options)

    with at(NOON):
        with monkeypatch.context() as patch:
            patch.setattr(summaries, "groups", interrupted)
            with pytest.raises(KeyboardInterrupt):
                summarise()
        assert DaySummary.objects.latest("day").day == date(2026, 1, 30)
        assert summarise() == {"days": 38, "before": "2026-03-10"}
    with at(NOON + timedelta(seconds=1)):
        assert [str(each) for each in examine(connection).findings] == []


def test_progress_is_shown_on_a_terminal(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("core.progress._SECONDS_BETWEEN", 0)
    with at(NOON):
        summarise()
    assert "Summarising days [#############" in terminal.getvalue()
    assert " 45%" in terminal.getvalue()


@pytest.mark.postgresql
@override_settings(LOCK_TIMEOUT_SECONDS=0.2)
def test_a_transaction_that_does_not_end_makes_it_wait_for_another_time(account: Account) -> None:
    """It may post on a closed day yet."""
    settings = connection.settings_dict
    words = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    options = {name: settings[word] for name, word in words.items() if settings[word]}
    with psycopg.connect(dbname=settings["NAME"], **options) as other:
        other.execute("SELECT pg_current_xact_id()")
        with time_machine.travel(NOON, tick=True), pytest.raises(CommandError) as told:
            summarise()
    assert told.value.returncode == BUSY
    assert str(told.value) == "Postings are on their way. Nothing was done."
    assert not DaySummary.objects.exists()


def test_a_failure_of_the_database_is_one_sentence(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")

    monkeypatch.setattr(summaries, "groups", refused)
    with at(NOON), pytest.raises(CommandError) as told:
        summarise()
    assert told.value.returncode == PROBLEM
    assert "no_such_table" in str(told.value)
