"""What keeps the bank in order beside its requests: workers, verifications, archive, mail."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.expressions import RawSQL

from transactions.models import ArchiveRun, Transaction, TransactionEvent
from transactions.queue import waiting as queue
from transactions.queue.approval_mail import failing_since
from transactions.states import TransactionStatus
from transactions.verifier.records import last_verification

# Literals, as in the indexes: SQLite uses a partial index only for constants in the statement.
_PROCESSING = RawSQL(f"'{TransactionStatus.PROCESSING}'", ())  # noqa: S611 - a constant
_COMPLETED = RawSQL(f"'{TransactionStatus.COMPLETED}'", ())  # noqa: S611 - a constant
# A busy worker is the author of almost all newest events.
_NEWEST_EVENTS = 100


def worker_silence(now: datetime) -> timedelta:
    """How long due transactions have waited without a sign of any worker.

    Zero if nothing is due, or if a worker holds a lease: without work nobody can tell. Reads the
    small indexes of the queue; between two claims also the newest events.
    """
    waited = queue.lag(now)
    if waited <= timedelta(0):
        return timedelta(0)
    if Transaction.objects.filter(status=_PROCESSING, lease_expires_at__gte=now).exists():
        return timedelta(0)
    newest = TransactionEvent.objects.order_by("-id").values_list("caller", "at")[:_NEWEST_EVENTS]
    signs = [at for caller, at in newest if caller.startswith("worker:")]
    return max(timedelta(0), min([waited, *(now - at for at in signs)]))


def last_archived() -> datetime | None:
    """The end of the last complete archive run."""
    complete = ArchiveRun.objects.filter(finished_at__isnull=False, problem="")
    return complete.order_by("-id").values_list("finished_at", flat=True).first()


def verified_at() -> datetime | None:
    """The end of the last verification; before the first one, the first posting in the journal.

    None for a bank without postings, whose books are empty.
    """
    last = last_verification()
    return last.finished_at if last else first_posted_at()


def archive_awaited_since(now: datetime) -> datetime | None:
    """Since when a complete run of the archive is awaited; None if none is.

    That is the end of the last one, where the workers archive daily. Before the first run, it is
    the time at which a transaction became old enough.
    """
    if not settings.ARCHIVE_AFTER_DAYS:
        return None
    if last := last_archived():
        return last
    oldest = first_posted_at()
    due = oldest and oldest + timedelta(days=settings.ARCHIVE_AFTER_DAYS)
    return due if due and due <= now else None


def mail_failing_since() -> datetime | None:
    """Since when a mail about approvals that is due cannot be sent; None while none fails.

    Workers record it, so a web process needs no mail server to say so.
    """
    return failing_since()


def first_posted_at() -> datetime | None:
    """The completion of the oldest transaction that is not archived."""
    kept = Transaction.objects.filter(status=_COMPLETED, archived_at__isnull=True)
    return kept.order_by("completed_at").values_list("completed_at", flat=True).first()
