"""A worker that is killed around a mail: the mail goes out, and at most once too often."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from core.failpoints import FAILPOINTS
from tests.api import make_user
from tests.crash.processes import Workers, eventually, workers
from tests.factories import make_account
from tests.mail_server import ADDRESS, MailServer, mail_server
from transactions.commands import Deposit
from transactions.models import ApprovalMail
from transactions.queue.approval_mail import LEASE
from transactions.tests.queueing import queue_up

pytestmark = pytest.mark.django_db(transaction=True)

# The mails that the server has taken when the worker dies.
POINTS = {"mail.claimed": 0, "mail.sent": 1, "mail.recorded": 1}


def test_every_failpoint_is_killed_below() -> None:
    assert [name for name in FAILPOINTS if name.startswith("mail.")] == [*POINTS]


@pytest.fixture(scope="module")
def server() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def writers(
    environment: dict[str, str], server: MailServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workers]:
    """Workers that write by the server."""
    mail = {
        "EMAIL_URL": f"smtp://{ADDRESS}:{server.port}",
        "BANK_MAIL_FROM": "bank@example.com",
    }
    with workers(environment | mail, tmp_path_factory.mktemp("writers")) as started:
        yield started


@pytest.mark.parametrize("failpoint", POINTS)
def test_the_next_worker_sends_what_a_killed_one_did_not_record(
    writers: Workers, server: MailServer, settings: Any, failpoint: str
) -> None:
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    server.mails.clear()
    make_user("susan", role="supervisor", email="susan@example.com")
    with time_machine.travel(timezone.now() - timedelta(minutes=2)):
        queue_up(Deposit(account_id=make_account().id, amount=Decimal(5000)))
    assert writers.start(failpoints=f"{failpoint}=kill").exit_code() == -9
    assert len(server.mails) == POINTS[failpoint]
    row, now = ApprovalMail.objects.get(), timezone.now()
    if failpoint == "mail.recorded":
        assert row.sent_at is not None
        assert row.next_at > now + timedelta(minutes=20), "no other worker sends it again"
        return
    assert (row.sent_at, row.failing_since) == (None, None)
    assert now < row.next_at <= now + LEASE
    ApprovalMail.objects.update(next_at=now)  # The lease has run out.
    writers.start()
    eventually(lambda: ApprovalMail.objects.get().sent_at)
    assert len(server.mails) == POINTS[failpoint] + 1
