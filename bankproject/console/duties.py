"""What the operator has to see to, each within its limit: for Today, the bars and `health/ready/`.

A limit of 0 switches its duty off.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse

from bankproject.console.words import at, in_words, list_link
from core import clock
from core.api.fields import rfc_3339
from core.console.bars import Bar
from jobs.catalog import JOBS
from jobs.overdue import overdue_jobs
from seals.selectors import waiting_since
from transactions.reads import duties
from transactions.states import TransactionStatus
from webhooks.overview import BEHIND_AFTER, oldest_age
from webhooks.states import DeliveryStatus

# A duty that is not neglected, as in the checks of `health/ready/`.
OK = "ok"
NAMES = ("worker", "verification", "archive", "mail", "seal", "jobs", "webhooks")
# Every page of the console asks.
_KEPT_SECONDS = 10
KEY = "duties"
# Who may start an archive run can do something about the other duties too, or knows who can.
_OPERATES = "transactions.run_archive"


@dataclass(frozen=True, slots=True)
class Duties:
    """Each value is set only if its duty is neglected.

    `worker`: how long queued transactions have waited without a worker. `verification`: the age of
    the last verification. `archive`: since when the archive is overdue. `mail`: since when mails
    about approvals cannot be sent. `seal`: how long entries have waited for a seal. `jobs`: the
    titles of the jobs that workers should have done by themselves. `webhooks`: how long a delivery
    has waited at a webhook that is on.
    """

    worker: timedelta | None = None
    verification: timedelta | None = None
    archive: datetime | None = None
    mail: datetime | None = None
    seal: timedelta | None = None
    jobs: str | None = None
    webhooks: timedelta | None = None


def read() -> Duties:
    """The duties as they are now, in a few reads of small indexes."""
    now = clock.about_now()
    silence, limit = duties.worker_silence(now), settings.WORKER_LIMIT_SECONDS
    verified, awaited = duties.verified_at(), duties.archive_awaited_since(now)
    age = now - verified if verified else timedelta(0)
    allowed = timedelta(hours=settings.VERIFICATION_LIMIT_HOURS)
    limit_of_seals = timedelta(hours=settings.SEAL_LIMIT_HOURS)
    sealed = waiting_since(limit_of_seals, now) if limit_of_seals else None
    delivering = oldest_age(now)
    overdue = awaited and awaited + timedelta(hours=settings.ARCHIVE_LIMIT_HOURS)
    return Duties(
        worker=silence if limit and silence > timedelta(seconds=limit) else None,
        verification=age if allowed and age > allowed else None,
        archive=overdue if settings.ARCHIVE_LIMIT_HOURS and overdue and overdue <= now else None,
        mail=duties.mail_failing_since(),
        seal=now - sealed if sealed else None,
        jobs=", ".join(JOBS[name].title for name in overdue_jobs(now)) or None,
        webhooks=delivering if delivering > BEHIND_AFTER else None,
    )


def kept() -> Duties:
    """As `read`, cached for some seconds in each web process."""
    return cast(Duties, cache.get_or_set(KEY, read, _KEPT_SECONDS))


def in_health() -> dict[str, str]:
    """Each duty by name: `ok`, or what is neglected."""
    found = read()
    texts = (
        f"none for {in_words(found.worker)}" if found.worker else OK,
        f"overdue: none for {in_words(found.verification)}" if found.verification else OK,
        f"overdue since {rfc_3339(found.archive)}" if found.archive else OK,
        f"failing since {rfc_3339(found.mail)}" if found.mail else OK,
        f"overdue: entries have waited for {in_words(found.seal)}" if found.seal else OK,
        f"overdue: {found.jobs}" if found.jobs else OK,
        f"behind by {in_words(found.webhooks)}" if found.webhooks else OK,
    )
    return dict(zip(NAMES, texts, strict=True))


def bars(request: HttpRequest) -> Iterator[Bar]:
    """Bars for users who can do something about it."""
    if not request.user.has_perm(_OPERATES):
        return
    found = kept()
    if found.worker:
        yield Bar(
            f"No worker runs: transactions have waited in the queue for {in_words(found.worker)}."
            " Start one with manage.py process_transactions.",
            list_link("transactions_transaction", status__exact=TransactionStatus.PENDING),
            "Show the queue",
        )
    if found.verification:
        yield Bar(
            f"Nobody has verified the books for {in_words(found.verification)}: overdue."
            " Run manage.py verify_ledger.",
            list_link("transactions_verification"),
            "Show the verifications",
            is_urgent=False,
        )
    if found.archive:
        yield Bar(
            f"The archive is overdue since {at(found.archive)}. The log of the worker says why.",
            list_link("transactions_archiverun"),
            "Show the archive runs",
            is_urgent=False,
        )
    if found.mail:
        yield Bar(
            f"Mails about approvals have failed since {at(found.mail)}. The log of the worker says"
            " why.",
            reverse("approvals"),
            "Show the approvals",
            is_urgent=False,
        )
    if found.seal:
        yield Bar(
            f"Entries have waited for a seal for {in_words(found.seal)}: overdue."
            " Run manage.py seal_ledger.",
            list_link("seals_seal"),
            "Show the seals",
            is_urgent=False,
        )
    if found.jobs:
        yield Bar(
            f"Overdue: {found.jobs}. The page says why.",
            reverse("jobs-page"),
            "Show the jobs",
            is_urgent=False,
        )
    if found.webhooks:
        yield Bar(
            f"A webhook is behind: a delivery has waited for {in_words(found.webhooks)}. Its page"
            " says why.",
            list_link("webhooks_delivery", status__exact=DeliveryStatus.WAITING),
            "Show what waits",
            is_urgent=False,
        )
