"""Runs as JSON, for the API and for commands."""

import json
from datetime import datetime
from typing import Any

from core.api.fields import rfc_3339
from jobs.models import JobRun


def represent(run: JobRun) -> dict[str, Any]:
    """The members of a run. A list selects `asked_by` beforehand."""
    return {
        "run_id": str(run.pk),
        "job": run.name,
        "date": run.date.isoformat(),
        "slot": run.slot,
        "outcome": str(run.outcome),
        "attempts": run.attempts,
        "asked_at": rfc_3339(run.asked_at),
        "asked_by": run.asked_by and run.asked_by.get_username(),
        "caller": run.caller,
        "started_at": _moment(run.started_at),
        "ended_at": _moment(run.ended_at),
        "detail": detail_in_texts(run),
        "problem": run.problem,
    }


def _moment(at: datetime | None) -> str | None:
    return rfc_3339(at) if at else None


def detail_in_texts(run: JobRun) -> dict[str, str]:
    """What a run did: texts as they are, other values as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in run.detail.items()
    }
