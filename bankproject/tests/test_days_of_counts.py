"""Counts are of today, and the day is that of the reader's time zone."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from bankproject.console import today
from bankproject.console.counts import failed_today
from tests.factories import make_account, run
from transactions.commands import Withdraw

pytestmark = pytest.mark.django_db

# Noon in UTC is on the same day in all zones used here.
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def fail_once() -> None:
    account = make_account()
    assert run(Withdraw(account_id=account.id, amount=Decimal(1))).status == "FAILED"


def test_failures_of_yesterday_are_not_of_today() -> None:
    with time_machine.travel(NOON - timedelta(days=1), tick=False):
        fail_once()
        assert failed_today() == "1"
    with time_machine.travel(NOON, tick=False):
        assert failed_today() == ""
        fail_once()
        assert failed_today() == "1"


def test_a_failure_before_midnight_of_one_zone_is_of_today_in_another() -> None:
    with time_machine.travel(NOON.replace(hour=1), tick=False):
        fail_once()
    with time_machine.travel(NOON, tick=False):
        counts = {}
        for zone in ("UTC", "America/Los_Angeles", "Asia/Tokyo"):
            with timezone.override(ZoneInfo(zone)):
                counts[zone] = failed_today()
    # 01:00 UTC is the evening before in Los Angeles, and the morning in Tokyo.
    assert counts == {"UTC": "1", "America/Los_Angeles": "", "Asia/Tokyo": "1"}


def test_what_is_kept_for_one_zone_is_not_shown_in_another() -> None:
    with time_machine.travel(NOON, tick=False):
        kept = []
        for zone in ("UTC", "Asia/Tokyo", "UTC"):
            with timezone.override(ZoneInfo(zone)):
                kept.append(today._kept("test", lambda zone=zone: zone))
    assert kept == ["UTC", "Asia/Tokyo", "UTC"]
