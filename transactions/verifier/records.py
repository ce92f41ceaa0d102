"""Results of `verify_ledger`, stored for staff."""

from datetime import datetime

from core.identifiers import uuid7
from transactions.models import Verification
from transactions.verifier import Report


def record(report: Report, *, started_at: datetime, finished_at: datetime) -> Verification:
    """Stores the result. Written once: the database refuses to change or delete it."""
    return Verification.objects.create(
        id=uuid7(finished_at),
        started_at=started_at,
        finished_at=finished_at,
        is_sound=report.ok,
        checked=dict(report.checked),
        findings={finding.code: finding.count for finding in report.findings},
    )


def last_verification() -> Verification | None:
    return Verification.objects.order_by("-id").first()
