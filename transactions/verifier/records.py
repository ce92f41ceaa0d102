"""Results of `verify_ledger`, stored for staff."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice, zip_longest
from typing import Any

from core.identifiers import uuid7
from transactions.models import Verification
from transactions.verifier.report import MAX_PLACES, Report


def record(report: Report, *, started_at: datetime, finished_at: datetime) -> Verification:
    """Stores the result. Written once: the database refuses to change or delete it."""
    return Verification.objects.create(
        id=uuid7(finished_at),
        started_at=started_at,
        finished_at=finished_at,
        is_sound=report.ok,
        checked=dict(report.checked),
        findings={finding.code: finding.count for finding in report.findings},
        places=list(islice(_places(report), MAX_PLACES)),
    )


def _places(report: Report) -> Iterator[dict[str, Any]]:
    """The places of all findings: the first of each rule, then the second of each, and so on."""
    by_rule = (
        [{"code": one.code, "rule": one.rule, **place.as_json()} for place in one.places]
        for one in report.findings
    )
    return (place for place in chain.from_iterable(zip_longest(*by_rule)) if place is not None)


def last_verification() -> Verification | None:
    """The newest result, without the places, which would be read for each page of the console."""
    return Verification.objects.defer("places").order_by("-id").first()
