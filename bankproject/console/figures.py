"""The figures at the top of Today."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from bankproject.console.counts import approvals_waiting
from bankproject.console.duties import Duties
from bankproject.console.parts import BAD, GOOD, NEUTRAL, WAITING, Figure
from bankproject.console.words import (
    at,
    faults_of_today,
    in_words,
    list_link,
    transactions_of_today,
    went_wrong,
)
from seals.models import Seal
from transactions.models import ArchiveRun, Verification
from transactions.reads.overview import Activity, QueueState
from transactions.states import TransactionStatus


def made_today(today: Sequence[Activity]) -> Figure:
    completed = sum(one.count for one in today if one.status == TransactionStatus.COMPLETED)
    return Figure(
        label="Transactions today",
        value=f"{sum(one.count for one in today):,}",
        link=transactions_of_today(),
        explanation=f"{completed:,} of them completed",
    )


def approvals(user: Any) -> Figure:
    waiting = approvals_waiting(user)
    return Figure(
        label="Approvals waiting",
        value=waiting or "0",
        link=reverse("approvals"),
        explanation="Someone other than the requester decides" if waiting else "No request waits",
        tone=WAITING if waiting else NEUTRAL,
    )


def failed(today: Sequence[Activity]) -> Figure:
    count = sum(one.count for one in today if went_wrong(one))
    return Figure(
        label="Failed today",
        value=f"{count:,}",
        link=faults_of_today(),
        explanation="Temporary failures can be retried" if count else "None so far",
        tone=BAD if count else NEUTRAL,
    )


def queued(queue: QueueState, duties: Duties) -> Figure:
    return Figure(
        label="In the queue",
        value=f"{'over ' if queue.is_cut else ''}{queue.waiting:,}",
        link=list_link("transactions_transaction", status__exact=TransactionStatus.PENDING),
        explanation=_of_queue(queue, duties),
        tone=BAD if duties.worker else WAITING if queue.waiting else NEUTRAL,
    )


def _of_queue(queue: QueueState, duties: Duties) -> str:
    if duties.worker:
        return f"Worker: none for {in_words(duties.worker)}"
    if queue.waiting:
        return f"The oldest has waited {in_words(queue.oldest_age)}"
    return "Everything that is due is done"


def books(last: Verification | None, duties: Duties) -> Figure:
    """The figure of the newest verification."""
    link = list_link("transactions_verification")
    if last is None:
        never = "Nobody has verified them yet"
        return Figure("Books", "Unknown", link, never, WAITING)
    broken = f", {len(last.findings)} rules broken" if last.findings else ""
    overdue = duties.verification
    checked = (
        f"Verified {in_words(overdue)} ago: overdue"
        if overdue
        else f"Checked {at(last.finished_at)}"
    )
    return Figure(
        label="Books",
        value="Sound" if last.is_sound else "Broken",
        link=reverse("admin:transactions_verification_change", args=(last.pk,)),
        explanation=f"{checked}{broken}",
        tone=BAD if not last.is_sound else WAITING if overdue else GOOD,
    )


def seals(last: Seal, unsealed: int, duties: Duties) -> Figure:
    """The figure of the newest seal."""
    since = f"{unsealed:,} entries since" if unsealed else "No entry since"
    overdue = duties.seal and f". Entries have waited for {in_words(duties.seal)}: overdue"
    return Figure(
        label="Last seal",
        value=f"Number {last.number:,}",
        link=reverse("admin:seals_seal_change", args=(last.pk,)),
        explanation=f"{at(last.sealed_at)}. {since}{overdue or ''}",
        tone=WAITING if duties.seal else NEUTRAL,
    )


def archive(duties: Duties) -> Figure:
    last = ArchiveRun.objects.order_by("-id").first()
    link = list_link("transactions_archiverun")
    overdue = f"Archive overdue since {at(duties.archive)}" if duties.archive else ""
    tone = WAITING if overdue else NEUTRAL
    if last is None:
        never = overdue or "Nothing has been archived yet"
        return Figure("Last archive run", "None", link, never, tone)
    finished = f"Finished {at(last.finished_at)}" if last.finished_at else "Not finished"
    return Figure(
        label="Last archive run",
        value=f"{last.rows:,} rows",
        link=reverse("admin:transactions_archiverun_change", args=(last.pk,)),
        explanation=overdue or finished,
        tone=tone if last.finished_at else WAITING,
    )
