"""Statistics equal a plain computation over all rows, whatever happened, and summarised when.

Hypothesis plays days of a bank around a change of the clocks: movements, refusals, the queue,
retries, reversals, cancellations and archive runs, at midnights and just beside them. Summaries are
made in between, or not at all.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from accounts.models import Account
from core.errors import BankError
from tests import seed as test_seed
from tests.factories import ORIGIN, make_account, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Cancel, Deposit, Retry, Reverse, Transfer, Withdraw
from transactions.models import DaySummary, Transaction
from transactions.statistics.report import SPLITS, WantedStatistics, statistics
from transactions.statistics.spans import Interval
from transactions.statistics.summaries import make_summaries
from transactions.tests.plain_statistics import as_plain, plain_statistics
from transactions.tests.queueing import queue_up, work
from transactions.verifier import examine

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.usefixtures("patient"),
]

EXAMPLES = 5
# Each with the day before its clocks change. In Havana they do so at midnight, on Lord Howe by half
# an hour.
ZONES = {
    "UTC": date(2026, 3, 30),
    "Europe/Berlin": date(2026, 3, 28),
    "America/New_York": date(2026, 10, 31),
    "America/Havana": date(2026, 3, 7),
    "Australia/Lord_Howe": date(2026, 4, 4),
    "Asia/Kathmandu": date(2026, 2, 27),
}
AMOUNTS = {
    "USD": ["0.01", "19.99", "5000"],
    "JPY": ["1", "70000"],
    "BHD": ["0.001", "12.345"],
}
JUMPS = st.sampled_from(
    ["stay", "tick", "minutes", "hour", "hours", "day", "days", "midnight", "before midnight"]
)
_JUMPS = {
    "stay": timedelta(),
    "tick": timedelta(microseconds=1),
    "minutes": timedelta(minutes=17, seconds=3),
    "hour": timedelta(hours=1),
    "hours": timedelta(hours=7, microseconds=999_999),
    "day": timedelta(days=1),
    "days": timedelta(days=3),
}


class Player:
    """Plays steps on a bank at moving times."""

    def __init__(self, zone: ZoneInfo, began: date) -> None:
        self.zone = zone
        self.now = datetime.combine(began, time(21), zone).astimezone(UTC)
        with time_machine.travel(self.now, tick=False):
            self.accounts: dict[str, list[Account]] = {
                currency: [make_account(currency=currency, balance=10) for _ in range(2)]
                for currency in AMOUNTS
            }

    def play(self, jump: str, act: str, currency: str, amount: str) -> None:
        if "midnight" in jump:
            tomorrow = self.now.astimezone(self.zone).date() + timedelta(days=1)
            midnight = datetime.combine(tomorrow, time.min, self.zone).astimezone(UTC)
            before = timedelta(microseconds=1) if jump.startswith("before") else timedelta()
            self.now = max(self.now, midnight - before)
        else:
            self.now += _JUMPS[jump]
        account, other = self.accounts[currency]
        money: dict[str, Any] = {"account_id": account.id, "amount": Decimal(amount)}
        acts: dict[str, Callable[[], Any]] = {
            "deposit": lambda: run(Deposit(**money)),
            "withdraw": lambda: run(Withdraw(**money)),
            "transfer": lambda: run(Transfer(target_account_id=other.id, **money)),
            "queue": lambda: queue_up(Withdraw(**money)),
            "work": work,
            "retry": lambda: self._decide(Retry, "FAILED"),
            "retry queued": lambda: self._decide(partial(Retry, queued=True), "FAILED"),
            "reverse": lambda: self._decide(Reverse, "COMPLETED"),
            "cancel": lambda: self._decide(Cancel, "PENDING"),
            "archive": lambda: archive(
                Selection(before=self.now - timedelta(days=1), include_failed=True), origin=ORIGIN
            ),
            "archive all": lambda: archive(
                Selection(keep_last=0, include_failed=True), origin=ORIGIN
            ),
            "summarise": make_summaries,
        }
        with time_machine.travel(self.now, tick=False):
            acts[act]()

    def _decide(self, command: Any, status: str) -> None:
        row = Transaction.objects.filter(status=status).order_by("?").first()
        if row is not None:
            with suppress(BankError):  # It may be reversed already, or archived.
                run(command(transaction_id=row.pk, reason="Tried"))


ACTS = (
    *("deposit", "withdraw", "transfer", "queue", "work", "retry", "retry queued", "reverse"),
    *("cancel", "archive", "archive all", "summarise"),
)
STEPS = st.lists(
    st.builds(
        lambda jump, act, currency, place: (jump, act, currency, place),
        JUMPS,
        st.sampled_from(ACTS),
        st.sampled_from(sorted(AMOUNTS)),
        st.integers(0, 2),
    ),
    min_size=5,
    max_size=30,
)


@pytest.mark.parametrize("zone", ZONES)
def test_statistics_equal_a_plain_computation(zone: str, tmp_path: Path) -> None:
    @seed(test_seed.seed())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(STEPS, st.data())
    def play(steps: list[tuple[str, str, str, int]], data: st.DataObject) -> None:
        call_command("flush", interactive=False, verbosity=0)
        (tmp_path / "archived_transactions.csv").unlink(missing_ok=True)
        with override_settings(TIME_ZONE=zone, DATA_DIR=tmp_path):
            player = Player(ZoneInfo(zone), ZONES[zone])
            for jump, act, currency, place in steps:
                amounts = AMOUNTS[currency]
                player.play(jump, act, currency, amounts[place % len(amounts)])
            with time_machine.travel(player.now, tick=False):
                _compare(data, ZoneInfo(zone), ZONES[zone], player.now)
            # Postings of one frozen moment are a microsecond apart.
            with time_machine.travel(player.now + timedelta(seconds=1), tick=False):
                assert [str(each) for each in examine(connection).findings] == []

    play()


def _compare(data: st.DataObject, zone: ZoneInfo, began: date, now: datetime) -> None:
    """Compares before and after all closed days are summarised."""
    last = now.astimezone(zone).date()
    days = st.integers(-1, (last - began).days + 1)
    wanted = []
    for interval in Interval:
        first = began + timedelta(days=data.draw(days))
        end = first + timedelta(days=data.draw(st.sampled_from([1, 2, 5, 31])))
        by = tuple(name for name in SPLITS if data.draw(st.booleans()))
        wanted.append(WantedStatistics(first=first, end=end, interval=interval, by=by))
    everything = WantedStatistics(first=began, end=last + timedelta(days=1), by=SPLITS)
    wanted += [
        everything,
        WantedStatistics(first=began, end=last + timedelta(days=1), currency="JPY"),
    ]
    expected = [plain_statistics(one, zone) for one in wanted]
    assert [as_plain(statistics(one)) for one in wanted] == expected
    make_summaries()
    assert not DaySummary.objects.filter(day__gte=last).exists()
    assert [as_plain(statistics(one)) for one in wanted] == expected
