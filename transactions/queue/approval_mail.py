"""Mail to those who may approve, while transactions wait for them.

A mail has a count, a moment and a link: no names, no amounts, no accounts. Each user has a row
(`ApprovalMail`). A worker moves the row's `next_at` on before it sends, so no other worker sends
the same mail. If the worker dies in between, the mail goes out again after `_LEASE`: one too many
at most, and none is lost.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Exists, Max, Min, OuterRef
from django.db.models.functions import Coalesce
from django.urls import reverse

from core import clock
from core.background import BackgroundJob, JobFailed
from core.days import shown_moment
from core.failpoints import failpoint
from core.mail import Mailer, MailFailed, MailServerFailed, MailUncertain
from transactions.models import ApprovalMail, Transaction, TransactionEvent
from transactions.models.queries import WAITS_FOR_APPROVAL
from transactions.states import TransactionEventType

logger = logging.getLogger(__name__)

_APPROVE = "transactions.approve_transaction"
_BACKEND = "core.authorization_backend.BankModelBackend"
# A request gets its moment before its commit. The web server ends a request after 30 seconds, so
# everything older than this is visible, and no mail passes it over.
SETTLING = timedelta(minutes=1)
# Far more than a mail server takes for one mail.
LEASE = timedelta(minutes=15)
# A mail that surely did not go out. One that may have gone out waits like one that did.
RETRY = timedelta(minutes=5)
# What still waits is told again after this time, even if nothing has been added.
REMINDER = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Mail:
    """A mail to a user for whom `count` requests wait, asked for from `oldest` to `newest`."""

    user_id: int
    address: str
    count: int
    oldest: datetime
    newest: datetime


class ApprovalMails(BackgroundJob):
    """Several workers that look at once send one mail. A failing server stops no worker."""

    name = "mail about approvals"
    look_seconds = 60.0
    seconds_after_a_failure = 60.0

    # Of a worker without a mail server.
    _has_ended = False

    def is_wanted(self) -> bool:
        return settings.SENDS_MAIL or not self._has_ended

    def work(self) -> None:
        """Raises JobFailed for mails that could not be sent. They are tried again later.

        Without a mail server it ends earlier failures, once: nobody needs these mails any more.
        """
        if not settings.SENDS_MAIL:
            _end_failures(set())
            self._has_ended = True
            return
        now = clock.now()
        problems = []
        with Mailer() as mailer:
            for mail in _due(now):
                if self._stopping.is_set():
                    break
                try:
                    _send(mail, mailer, now)
                except MailServerFailed as problem:
                    problems.append(str(problem))
                    break
                except MailFailed as problem:
                    problems.append(f"User {mail.user_id}: {problem}")
        if problems:
            raise JobFailed(" ".join(problems))


def failing_since() -> datetime | None:
    """Since when a mail that is due cannot be sent; None while none fails."""
    found: datetime | None = ApprovalMail.objects.aggregate(since=Min("failing_since"))["since"]
    return found


def _recipients() -> Any:
    """Active members of staff with an address who may approve."""
    users: Any = get_user_model().objects
    found = users.with_perm(_APPROVE, backend=_BACKEND).filter(is_staff=True)
    return found.exclude(email="").order_by("pk")


def _due(now: datetime) -> Iterator[_Mail]:
    """The mails that may go out now. Ends the failures of mails that nobody needs any more."""
    if not Transaction.objects.filter(WAITS_FOR_APPROVAL).exists():
        _end_failures(set())
        return
    rows = ApprovalMail.objects.in_bulk()
    needed = set()
    for user in _recipients():
        row = rows.get(user.pk)
        if row is not None and row.next_at > now and row.failing_since is None:
            needed.add(user.pk)  # Nothing may go out yet, and nothing has failed: no need to count.
            continue
        found = _waiting_for(user.pk, until=now - SETTLING)
        if not found["count"]:
            continue
        needed.add(user.pk)
        mail = _Mail(user.pk, user.email, **found)
        if row is None or (row.next_at <= now and _is_due(row, mail, now)):
            yield mail
    _end_failures(needed)


def _is_due(row: ApprovalMail, mail: _Mail, now: datetime) -> bool:
    if row.told_until is None or row.sent_at is None:
        return True
    return mail.newest > row.told_until or row.sent_at <= now - REMINDER


def _waiting_for(user_id: int, *, until: datetime) -> dict[str, Any]:
    """How many requests wait for this user's decision, and since when, as `Approve` allows it.

    Nobody decides on what they asked for, nor on their own accounts.
    """
    retries = TransactionEvent.objects.filter(
        transaction_id=OuterRef("pk"), event=TransactionEventType.RETRIED, actor_id=user_id
    )
    waiting = (
        Transaction.objects.filter(WAITS_FOR_APPROVAL, ~Exists(retries), updated_at__lte=until)
        .exclude(created_by_id=user_id)
        .exclude(debit_account__owner_id=user_id)
        .exclude(credit_account__owner_id=user_id)
    )
    # A request that waits was last changed when it was asked for: by its maker, or by a retry.
    return waiting.aggregate(count=Count("pk"), oldest=Min("updated_at"), newest=Max("updated_at"))


def _end_failures(needed: set[int]) -> None:
    """Mails that nobody needs any more have not failed."""
    over = ApprovalMail.objects.filter(failing_since__isnull=False).exclude(pk__in=needed)
    if over.exists():
        over.update(failing_since=None)


def _send(mail: _Mail, mailer: Mailer, now: datetime) -> None:
    """Sends the mail unless another worker does; records that, or the failure, and raises it."""
    claimed = _claim(mail.user_id)
    if claimed is None:
        return
    failpoint("mail.claimed")
    held = ApprovalMail.objects.filter(pk=mail.user_id, next_at=claimed)
    row = held.first()
    # The mails before may have taken so long that another worker has told the user meanwhile.
    if row is None or not _is_due(row, mail, now):
        held.update(next_at=clock.now())
        return
    try:
        mailer.send(to=mail.address, subject=_subject(mail), text=_text(mail))
    except MailFailed as problem:
        failed = clock.now()
        pause = _interval() if isinstance(problem, MailUncertain) else RETRY
        held.update(failing_since=Coalesce("failing_since", failed), next_at=failed + pause)
        raise
    failpoint("mail.sent")
    sent = clock.now()
    held.update(
        told_until=now - SETTLING,
        sent_at=sent,
        next_at=sent + _interval(),
        failing_since=None,
    )
    failpoint("mail.recorded")
    logger.info("Told user %s by mail of %s waiting requests", mail.user_id, mail.count)


def _claim(user_id: int) -> datetime | None:
    """Moves `next_at` on by the lease, and returns it; None if another worker was first."""
    now = clock.now()
    first = ApprovalMail(user_id=user_id, next_at=now)
    ApprovalMail.objects.bulk_create([first], ignore_conflicts=True)
    until = now + LEASE
    free = ApprovalMail.objects.filter(pk=user_id, next_at__lte=now)
    return until if free.update(next_at=until) else None


def _interval() -> timedelta:
    return timedelta(minutes=settings.APPROVAL_MAIL_MINUTES)


def _subject(mail: _Mail) -> str:
    return f"{settings.BANK_NAME}: {_counted(mail)} for approval"


def _text(mail: _Mail) -> str:
    return (
        f"{_counted(mail)} for your approval, the oldest since {shown_moment(mail.oldest)}.\n\n"
        f"Show them: {settings.PUBLIC_URL}{reverse('approvals')}\n\n"
        "The bank writes to everyone who may approve and has a mail address in the console, at"
        f" most once in {settings.APPROVAL_MAIL_MINUTES} minutes.\n"
    )


def _counted(mail: _Mail) -> str:
    return "1 transaction waits" if mail.count == 1 else f"{mail.count:,} transactions wait"
