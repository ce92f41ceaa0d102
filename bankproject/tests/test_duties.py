"""What the operator has to see to: on Today, as bars, and in `health/ready/`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bankproject.console import duties
from core.commands import Origin
from core.identifiers import uuid7
from seals.models import Seal
from tests.api import API, anonymous, client_of, make_user, staff
from tests.factories import make_account
from transactions.commands import Deposit
from transactions.models import ArchiveRun
from transactions.tests.queueing import claimed, queue_up, work
from transactions.verifier import Report
from transactions.verifier import records as verifications
from webhooks import endpoints, replay

pytestmark = pytest.mark.django_db

TODAY = reverse("admin:index")
ACCOUNTS = reverse("admin:accounts_account_changelist")
CUSTOMER = Origin(as_customer=True)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
WELL = dict.fromkeys(
    ("worker", "verification", "archive", "mail", "seal", "jobs", "webhooks"), "ok"
)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    cache.clear()
    with time_machine.travel(moment, tick=False):
        yield


def ready() -> dict[str, str]:
    answer = anonymous().get(f"{API}health/ready/")
    assert answer.status_code == 200, "an overdue duty keeps no bank from serving"
    found: dict[str, str] = answer.json()["duties"]
    return found


def explained(client: Client, label: str) -> tuple[str, str]:
    found = {one.label: one for one in client.get(TODAY).context["figures"]}[label]
    return found.explanation, found.tone


def bars(client: Client) -> list[str]:
    html = client.get(ACCOUNTS).content.decode()
    return [part.split(" <a ")[0].split(">")[1] for part in html.split('<p class="bank-bar')[1:]]


def archived(moment: datetime, *, problem: str = "") -> None:
    ArchiveRun.objects.create(
        id=uuid7(moment), started_at=moment, finished_at=moment, problem=problem
    )


def verified(moment: datetime) -> None:
    report = Report(checked={}, findings=[])
    verifications.record(report, started_at=moment, finished_at=moment)


@pytest.fixture
def waiting() -> None:
    """A transaction that is in the queue since noon, in a bank that is verified at noon."""
    with at(NOON):
        verified(NOON)
        queue_up(Deposit(account_id=make_account().id, amount=Decimal(7)))


# The worker --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
def test_no_worker_for_a_while_is_told_everywhere() -> None:
    with at(NOON + timedelta(seconds=30)):
        assert ready() == WELL
        client = staff("supervisor")
        assert bars(client) == []
    with at(NOON + timedelta(seconds=55)):
        assert ready() == {**WELL, "worker": "none for 55 s"}
        (bar,) = bars(client)
        assert bar.startswith("No worker runs: transactions have waited in the queue for 55 s. ")
        assert explained(client, "In the queue") == ("Worker: none for 55 s", "danger")
        for role in ("teller", "auditor"):
            assert bars(staff(role)) == [], "they can do nothing about it"
    with at(NOON + timedelta(seconds=60)):
        assert work() == 1
        assert ready() == WELL


@pytest.mark.usefixtures("waiting")
def test_a_lease_is_a_sign_of_a_worker_until_it_expires(settings: Any) -> None:
    settings.WORKER_LEASE_SECONDS = 60
    with at(NOON + timedelta(seconds=50)):
        assert len(claimed()) == 1
        queue_up(Deposit(account_id=make_account().id, amount=Decimal(8)))
    with at(NOON + timedelta(seconds=105)):
        assert ready() == WELL
    with at(NOON + timedelta(seconds=111)):
        assert ready() == {**WELL, "worker": "none for 1 min 1 s"}


@pytest.mark.usefixtures("waiting")
def test_between_two_claims_a_busy_worker_has_just_written_events() -> None:
    with at(NOON + timedelta(seconds=90)):
        queue_up(Deposit(account_id=make_account().id, amount=Decimal(8)))
        work(batch_size=1)
    with at(NOON):
        queue_up(Deposit(account_id=make_account().id, amount=Decimal(9)))
    with at(NOON + timedelta(seconds=120)):
        assert ready() == WELL, "the oldest has waited for 120 s, but a worker was seen at 90 s"
    with at(NOON + timedelta(seconds=122)):
        assert ready() == {**WELL, "worker": "none for 31 s"}


# Verifications ------------------------------------------------------------------------------------


def test_an_old_verification_is_overdue() -> None:
    verified(NOON)
    with at(NOON + timedelta(hours=26)):
        assert ready() == WELL
    with at(NOON + timedelta(days=3, hours=2)):
        assert ready() == {**WELL, "verification": "overdue: none for 3 d 2 h"}
        client = staff("supervisor")
        assert bars(client) == [
            "Nobody has verified the books for 3 d 2 h: overdue. Run manage.py verify_ledger."
        ]
        assert explained(client, "Books") == ("Verified 3 d 2 h ago: overdue", "warning")


def test_a_bank_that_was_never_verified_is_overdue_some_time_after_its_first_transaction() -> None:
    with at(NOON):
        assert ready() == WELL
        make_account(balance=5)
    with at(NOON + timedelta(hours=26)):
        assert ready() == WELL
    with at(NOON + timedelta(hours=27)):
        assert ready() == {**WELL, "verification": "overdue: none for 1 d 3 h"}


# The archive --------------------------------------------------------------------------------------


def test_the_archive_is_overdue_only_where_it_is_made_daily(settings: Any) -> None:
    settings.VERIFICATION_LIMIT_HOURS = 0
    archived(NOON)
    archived(NOON + timedelta(days=2), problem="The disk is full.")
    with at(NOON + timedelta(days=9)):
        assert ready() == WELL
        settings.ARCHIVE_AFTER_DAYS = 90
        assert ready() == {**WELL, "archive": "overdue since 2026-07-04T12:00:00.000000Z"}
        client = staff("supervisor")
        since = "overdue since 2026-07-04 12:00:00 UTC"
        assert bars(client) == [f"The archive is {since}. The log of the worker says why."]
        assert explained(client, "Last archive run") == (f"Archive {since}", "warning")
        settings.ARCHIVE_LIMIT_HOURS = 0
        assert ready() == WELL


def test_before_its_first_run_the_archive_waits_for_something_old_enough(settings: Any) -> None:
    settings.VERIFICATION_LIMIT_HOURS, settings.ARCHIVE_AFTER_DAYS = 0, 10
    with at(NOON):
        make_account(balance=5)
    with at(NOON + timedelta(days=13) - timedelta(seconds=1)):
        assert ready() == WELL
    with at(NOON + timedelta(days=13)):
        assert ready() == {**WELL, "archive": "overdue since 2026-07-14T12:00:00.000000Z"}


# Seals -------------------------------------------------------------------------------------------


def sealed(moment: datetime, entries: int) -> None:
    """A seal of so many entries, which is enough for the duty."""
    Seal.objects.create(
        id=uuid7(moment), number=1, sealed_at=moment, root="", ranges=1, entries=entries,
        total_entries=entries, public_key="", digest="", signature="",
    )  # fmt: skip


def test_seals_are_overdue_while_entries_wait_for_one(settings: Any) -> None:
    settings.VERIFICATION_LIMIT_HOURS = 0
    with at(NOON):
        make_account(balance=5)
        sealed(NOON, entries=1)
    with at(NOON + timedelta(days=9)):
        assert ready() == WELL
        client = staff("supervisor")
        assert explained(client, "Last seal")[0] == "2026-07-01 12:00:00 UTC. No entry since"
    with at(NOON + timedelta(days=9)):
        make_account(balance=7)
        assert ready() == WELL, "the seal is old, and its next entry is new"
    with at(NOON + timedelta(days=10, hours=2)):
        assert ready() == WELL
    with at(NOON + timedelta(days=10, hours=3)):
        assert ready() == {**WELL, "seal": "overdue: entries have waited for 1 d 3 h"}
        client = client_of(get_user_model().objects.get(username="supervisor"))
        (bar,) = bars(client)
        assert bar == (
            "Entries have waited for a seal for 1 d 3 h: overdue. Run manage.py seal_ledger."
        )
        said = (
            "2026-07-01 12:00:00 UTC. 1 entries since. Entries have waited for 1 d 3 h: overdue",
            "warning",
        )
        assert explained(client, "Last seal") == said
        settings.SEAL_LIMIT_HOURS = 0
        assert ready() == WELL


def test_a_webhook_that_is_behind() -> None:
    with at(NOON):
        endpoint, _ = endpoints.make(make_user("ada"), CUSTOMER, url="https://shop.example/")
        test = replay.send_test(endpoint, CUSTOMER)
    with at(NOON + timedelta(hours=1)):
        assert ready() == WELL
    with at(NOON + timedelta(hours=2, minutes=7)):
        assert ready() == {**WELL, "webhooks": "behind by 2 h 7 min"}
        assert bars(staff("supervisor")) == [
            "A webhook is behind: a delivery has waited for 2 h 7 min. Its page says why."
        ]
        endpoints.change(endpoint, CUSTOMER, {"is_on": False})
        assert ready() == WELL, "it waits for people"
        endpoints.change(endpoint, CUSTOMER, {"is_on": True})
        replay.skip(endpoint, CUSTOMER, test.event_id)
        assert ready() == WELL


# Cost and limits ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("waiting")
def test_pages_share_a_reading() -> None:
    with at(NOON + timedelta(days=3)):
        client = staff("supervisor")
        with CaptureQueriesContext(connection) as first:
            assert len(bars(client)) == 2
        with CaptureQueriesContext(connection) as second:
            assert len(bars(client)) == 2
    assert len(first) - len(second) == 7


@pytest.mark.usefixtures("waiting")
def test_a_limit_of_zero_switches_a_duty_off(settings: Any) -> None:
    settings.WORKER_LIMIT_SECONDS = settings.VERIFICATION_LIMIT_HOURS = 0
    with at(NOON + timedelta(days=30)):
        assert duties.read() == duties.Duties()
