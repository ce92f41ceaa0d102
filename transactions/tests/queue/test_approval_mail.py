"""Mails to those who may approve: to whom, how often, and when the mail server fails."""

import logging
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bankproject.console import duties
from core.background import JobFailed
from core.commands import Origin
from tests.api import make_user
from tests.factories import ORIGIN, make_account, run
from tests.http import free_port
from tests.mail_server import ADDRESS, MailServer, mail_server, self_signed
from transactions.commands import Approve, Deposit, Retry, Withdraw
from transactions.models import ApprovalMail, Transaction
from transactions.queue.approval_mail import REMINDER, ApprovalMails
from transactions.queue.worker import Worker
from transactions.reads.duties import mail_failing_since
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PATIENCE_SECONDS = 30


@pytest.fixture(autouse=True)
def bank(settings: Any) -> None:
    """A bank where large deposits wait, which writes by the server that a test starts."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(100)}
    settings.APPROVAL_MAIL_MINUTES = 30
    settings.PUBLIC_URL = "https://bank.example.com"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.DEFAULT_FROM_EMAIL = "bank@example.com"
    settings.SENDS_MAIL, settings.EMAIL_TIMEOUT = True, 10
    settings.EMAIL_HOST, settings.EMAIL_PORT = ADDRESS, free_port()


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        yield server


def writes_to(name: str, role: str = "supervisor", **fields: Any) -> Any:
    """A member of staff with an address."""
    user = make_user(name, role=role)
    for field, value in {"email": f"{name}@example.com", **fields}.items():
        setattr(user, field, value)
    user.save()
    return user


def ask(
    at: datetime, command: Any = Deposit, *, maker: Any = None, account: Any = None
) -> Transaction:
    """A deposit, or another movement, that waits for approval since this moment."""
    origin = Origin(caller=f"user:{maker.pk}", user_id=maker.pk) if maker else ORIGIN
    with time_machine.travel(at, tick=False):
        account = account or make_account()
        (waiting,) = queue_up(command(account_id=account.id, amount=Decimal(5000)), origin=origin)
    return waiting


def decide(at: datetime, command: Any, user: Any) -> None:
    with time_machine.travel(at, tick=False):
        run(command, Origin(caller=f"user:{user.pk}", user_id=user.pk))


def look(at: datetime) -> str:
    """Lets a worker look once at this moment. Returns the problem, or an empty text."""
    with time_machine.travel(at, tick=False):
        try:
            ApprovalMails().work()
        except JobFailed as problem:
            return str(problem)
    return ""


# To whom -----------------------------------------------------------------------------------------


def test_a_mail_tells_how_many_wait_and_since_when_and_nothing_personal(server: MailServer) -> None:
    writes_to("susan")
    for minute in range(3):
        ask(NOON + minute * MINUTE, maker=writes_to(f"tessa{minute}", "teller"))
    assert look(NOON + 10 * MINUTE) == ""
    (mail,) = server.mails
    assert (mail["To"], mail["From"]) == ("susan@example.com", "bank@example.com")
    assert mail["Subject"] == "Bank: 3 transactions wait for approval"
    assert mail.get_content().replace("\r\n", "\n") == (  # type: ignore[attr-defined]
        "3 transactions wait for your approval, the oldest since 2026-07-01 12:00:00 UTC.\n\n"
        "Show them: https://bank.example.com/admin/approvals/\n\n"
        "The bank writes to everyone who may approve and has a mail address in the console, at"
        " most once in 30 minutes.\n"
    )


def test_only_those_who_may_decide_get_one(server: MailServer) -> None:
    maker, approver, retrier, owner = map(writes_to, ("susan", "sam", "rita", "otto"))
    writes_to("root", "", is_staff=True, is_superuser=True)
    writes_to("tessa", "teller")
    writes_to("audrey", "auditor")
    writes_to("gone", is_active=False)
    writes_to("nobody", email="")
    writes_to("customer", is_staff=False)
    waiting = ask(NOON, Withdraw, maker=maker, account=make_account(owner_id=owner.pk))
    decide(NOON + MINUTE, Approve(transaction_id=waiting.pk), approver)
    decide(NOON + 2 * MINUTE, Retry(transaction_id=waiting.pk, reason="Again"), retrier)
    assert look(NOON + 10 * MINUTE) == ""
    assert sorted(server.recipients()) == ["root@example.com", "sam@example.com"]


# How often ---------------------------------------------------------------------------------------


def test_a_request_is_told_once_it_is_a_minute_old(server: MailServer) -> None:
    writes_to("susan")
    ask(NOON)
    look(NOON + timedelta(seconds=59))
    assert server.mails == []
    look(NOON + MINUTE)
    assert len(server.mails) == 1


def test_there_is_one_mail_at_most_in_the_interval_and_none_without_news(
    server: MailServer,
) -> None:
    writes_to("susan")
    ask(NOON)
    look(NOON + MINUTE)
    # Its moment is before the first mail, and it was not yet a minute old: the next mail has it.
    ask(NOON + timedelta(seconds=30))
    look(NOON + 30 * MINUTE)
    assert len(server.mails) == 1
    look(NOON + 31 * MINUTE)
    assert [mail["Subject"] for mail in server.mails[1:]] == [
        "Bank: 2 transactions wait for approval"
    ]
    look(NOON + 90 * MINUTE)
    assert len(server.mails) == 2, "nothing is new"
    look(NOON + 31 * MINUTE + REMINDER)
    assert len(server.mails) == 3, "they still wait after a day"


def test_without_a_server_nothing_is_sent_and_earlier_failures_end(settings: Any) -> None:
    """Workers without a mail server end them once: web processes tell of what workers record."""
    susan = writes_to("susan")
    ask(NOON)
    ApprovalMail.objects.create(user_id=susan.pk, next_at=NOON, failing_since=NOON)
    settings.SENDS_MAIL = False
    assert mail_failing_since() == NOON
    job = ApprovalMails()
    job.look()
    job.wait(PATIENCE_SECONDS)
    assert mail_failing_since() is None
    assert not job.is_wanted()
    assert ApprovalMail.objects.get().sent_at is None


def test_a_maker_s_own_request_is_no_news_for_them(server: MailServer) -> None:
    susan = writes_to("susan")
    ask(NOON)
    look(NOON + MINUTE)
    ask(NOON + 2 * MINUTE, maker=susan)
    look(NOON + 60 * MINUTE)
    assert len(server.mails) == 1


# Two workers, and a worker beside its work --------------------------------------------------------


def test_of_two_workers_that_look_at_once_one_sends(server: MailServer) -> None:
    writes_to("susan")
    ask(NOON)
    server.goes_on.clear()
    first, second = ApprovalMails(), ApprovalMails()
    first.look()
    assert server.arrived.wait(PATIENCE_SECONDS)
    second.look()
    second.wait(PATIENCE_SECONDS)
    server.goes_on.set()
    first.wait(PATIENCE_SECONDS)
    assert len(server.mails) == 1
    assert ApprovalMail.objects.get().sent_at is not None


def test_a_worker_held_up_by_its_server_repeats_no_mail_of_another(
    server: MailServer, settings: Any
) -> None:
    settings.APPROVAL_MAIL_MINUTES = 0  # The first is held up for longer than the interval.
    writes_to("abby"), writes_to("susan")
    ask(timezone.now() - 5 * MINUTE)
    server.goes_on.clear()
    first = ApprovalMails()
    first.look()
    assert server.arrived.wait(PATIENCE_SECONDS)
    with mail_server() as of_another:
        settings.EMAIL_PORT = of_another.port
        ApprovalMails().work()
        assert of_another.recipients() == ["susan@example.com"]
    settings.EMAIL_PORT = server.port
    server.goes_on.set()
    first.wait(PATIENCE_SECONDS)
    assert server.recipients() == ["abby@example.com"]
    assert {row.next_at <= timezone.now() for row in ApprovalMail.objects.all()} == {True}


def test_nothing_is_counted_for_those_who_get_no_mail_yet(server: MailServer) -> None:
    writes_to("abby"), writes_to("susan")
    ask(NOON)
    look(NOON + MINUTE)
    for minute, counted in ((30, 0), (31, 2)):
        with CaptureQueriesContext(connection) as queries:
            look(NOON + minute * MINUTE)
        assert sum("MAX(" in query["sql"] for query in queries) == counted
    assert len(server.mails) == 2


def test_a_worker_works_while_the_mail_server_is_slow(server: MailServer) -> None:
    writes_to("susan")
    ask(timezone.now() - 5 * MINUTE)
    server.goes_on.clear()
    worker = Worker()
    worker._upkeep()
    assert server.arrived.wait(PATIENCE_SECONDS)
    queue_up(Deposit(account_id=make_account().id, amount=Decimal(5)))
    assert work() == 1
    server.goes_on.set()
    worker._approval_mails.wait(PATIENCE_SECONDS)
    worker.stop()
    assert worker.run() == 0
    assert len(server.mails) == 1


# TLS ---------------------------------------------------------------------------------------------


def test_a_password_goes_over_tls_to_a_server_with_a_trusted_certificate(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings.EMAIL_USE_TLS, settings.EMAIL_HOST = True, "localhost"
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "bank", "pass:w%rd"
    writes_to("susan")
    ask(NOON)
    certificate, key = self_signed(tmp_path)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    with mail_server(tls) as server:
        settings.EMAIL_PORT = server.port
        assert "certificate verify failed" in look(NOON + MINUTE)
        assert (server.logins, server.mails) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert look(NOON + 6 * MINUTE) == ""
        assert server.logins == [(b"bank", b"pass:w%rd")]
        assert server.recipients() == ["susan@example.com"]
        settings.EMAIL_HOST_PASSWORD = "wrong"
        ask(NOON + 10 * MINUTE)
        assert look(NOON + 60 * MINUTE).endswith("answered 535.")


# A server that fails ------------------------------------------------------------------------------


def test_a_server_that_is_down_is_logged_shown_and_tried_again(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VERIFICATION_LIMIT_HOURS = 0
    writes_to("susan")
    ask(NOON)
    worker = Worker()
    with time_machine.travel(NOON + MINUTE, tick=False), caplog.at_level(logging.ERROR):
        worker._upkeep()
        worker._approval_mails.wait(PATIENCE_SECONDS)
        assert work() == 0
        assert duties.in_health()["mail"] == "failing since 2026-07-01T12:01:00.000000Z"
    (record,) = caplog.records
    assert record.getMessage() == (
        f"The mail about approvals failed: The mail server {ADDRESS}:{settings.EMAIL_PORT} does"
        " not answer: Connection refused."
    )
    worker.stop()
    assert worker.run() == 0
    assert "does not answer" in look(NOON + 6 * MINUTE)
    assert look(NOON + 7 * MINUTE) == "", "the next try is after five minutes"
    with mail_server() as server:
        settings.EMAIL_PORT = server.port
        assert look(NOON + 11 * MINUTE) == ""
        assert len(server.mails) == 1
    assert duties.in_health()["mail"] == "ok"


def test_a_server_that_does_not_answer_is_given_up(server: MailServer, settings: Any) -> None:
    settings.EMAIL_TIMEOUT = 0.2
    server.silent = True
    writes_to("susan")
    ask(NOON)
    assert "does not answer" in look(NOON + MINUTE)
    server.silent = False
    assert look(NOON + 6 * MINUTE) == ""
    assert server.recipients() == ["susan@example.com"]


def test_a_refused_address_keeps_no_mail_from_the_others(server: MailServer) -> None:
    first, _ = writes_to("abby"), writes_to("susan")
    server.refused = {"abby@example.com"}
    ask(NOON)
    problem = look(NOON + MINUTE)
    assert problem == (f"User {first.pk}: The mail server {ADDRESS}:{server.port} answered 550."), (
        "and the address is not logged"
    )
    assert server.recipients() == ["susan@example.com"]
    server.refused = set()
    look(NOON + 6 * MINUTE)
    assert server.recipients() == ["susan@example.com", "abby@example.com"]


def test_a_mail_that_may_have_gone_out_is_not_repeated_within_the_interval(
    server: MailServer,
) -> None:
    writes_to("susan")
    ask(NOON)
    server.hangs_up = True
    assert "does not answer" in look(NOON + MINUTE)
    assert len(server.mails) == 1
    server.hangs_up = False
    assert look(NOON + 30 * MINUTE) == ""
    assert len(server.mails) == 1
    look(NOON + 31 * MINUTE)
    assert len(server.mails) == 2, "one too many, and none lost"


def test_a_mail_that_nobody_needs_any_more_has_not_failed() -> None:
    susan = writes_to("susan")
    waiting = ask(NOON)
    assert look(NOON + MINUTE) != ""
    assert duties.in_health()["mail"] != "ok"
    decide(NOON + 2 * MINUTE, Approve(transaction_id=waiting.pk), susan)
    assert look(NOON + 3 * MINUTE) == ""
    assert duties.in_health()["mail"] == "ok"
