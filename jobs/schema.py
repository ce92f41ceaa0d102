"""The API's description of jobs."""

from datetime import date
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from core.api.describe import (
    errors,
    page_example,
    page_of,
    request_example,
    response_example,
)
from core.api.fields import OffsetDateTimeField, StrictDateField
from core.api.requests import PageQuery
from core.api.serializers import StrictSerializer
from jobs.catalog import JOBS
from jobs.states import JobState

TAG = "Jobs"

_NAME = OpenApiParameter(
    "job",
    {"type": "string", "enum": list(JOBS), "example": "delete_expired"},
    OpenApiParameter.PATH,
    description="The name of the job.",
)
_RUN_ID = OpenApiParameter(
    "run_id", UUID, OpenApiParameter.PATH, description="Identifier of the run (UUID)."
)


class JobRunBody(StrictSerializer):
    """What to run the job for."""

    date = StrictDateField(
        required=False,
        help_text="The business date, in the bank's time zone. Default: today.",
    )


class JobRunSerializer(serializers.Serializer[Any]):
    """A run of a job for a date."""

    run_id = serializers.UUIDField(help_text="Identifier (UUIDv7).")
    job = serializers.CharField(help_text="The name of the job.")
    date = serializers.DateField(help_text="The business date.")
    slot = serializers.CharField(
        help_text="For one of several runs on a date: the time since midnight (HH:MM). Else empty."
    )
    outcome = serializers.ChoiceField(
        JobState.choices,
        help_text="`WAITING` for a worker, `RUNNING`, and in the end `DONE` or `FAILED`.",
    )
    attempts = serializers.IntegerField(help_text="How often it was started.")
    asked_at = OffsetDateTimeField(help_text="When it was asked for (UTC).")
    asked_by = serializers.CharField(
        allow_null=True, help_text="The user who asked for it; null if a worker or a command did."
    )
    caller = serializers.CharField(
        help_text="What asked for it: a user, an API client, a worker or a command."
    )
    started_at = OffsetDateTimeField(allow_null=True, help_text="Its last start (UTC).")
    ended_at = OffsetDateTimeField(allow_null=True, help_text="Its end (UTC).")
    detail = serializers.DictField(
        child=serializers.CharField(),
        help_text="What it did, as its command prints it: texts, and other values as JSON.",
    )
    problem = serializers.CharField(help_text="Why its last start did not succeed; else empty.")


class JobSerializer(serializers.Serializer[Any]):
    """A job of the bank's day."""

    job = serializers.CharField(help_text="Its name.")
    title = serializers.CharField(help_text="Its name for people.")
    description = serializers.CharField(help_text="What it does.")
    next_due_at = OffsetDateTimeField(
        allow_null=True, help_text="When a worker starts it by itself (UTC); null: never."
    )
    last_done_at = OffsetDateTimeField(
        allow_null=True, help_text="The end of its last success (UTC); null: never."
    )
    overdue_since = OffsetDateTimeField(
        allow_null=True, help_text="Since when it is due, if it is overdue (UTC); else null."
    )
    newest_run = JobRunSerializer(allow_null=True, help_text="The run asked for last.")


class JobListSerializer(serializers.Serializer[Any]):
    """All jobs."""

    results = JobSerializer(many=True, help_text="In the order of the documentation.")


RUN_EXAMPLE: dict[str, Any] = {
    "run_id": "019c17d4-8a10-7c22-8000-3b1f5d7e9a02",
    "job": "delete_expired",
    "date": date(2026, 2, 1).isoformat(),
    "slot": "",
    "outcome": "DONE",
    "attempts": 1,
    "asked_at": "2026-02-01T02:00:00.000000Z",
    "asked_by": None,
    "caller": "job:schedule",
    "started_at": "2026-02-01T02:00:01.204000Z",
    "ended_at": "2026-02-01T02:00:09.731000Z",
    "detail": {"dry_run": "false", "tokens": "12", "sessions": "3", "logins": "0"},
    "problem": "",
}
_WAITING = RUN_EXAMPLE | {
    "outcome": "WAITING",
    "attempts": 0,
    "started_at": None,
    "ended_at": None,
    "detail": {},
}
_JOB = {
    "job": "delete_expired",
    "title": JOBS["delete_expired"].title,
    "description": JOBS["delete_expired"].meaning,
    "next_due_at": "2026-02-02T02:00:00.000000Z",
    "last_done_at": "2026-02-01T02:00:09.731000Z",
    "overdue_since": None,
    "newest_run": RUN_EXAMPLE,
}


list_jobs = extend_schema(
    operation_id="jobs_list",
    tags=[TAG],
    summary="Jobs of the bank's day",
    description="Each with its newest run, and whether it is overdue.",
    responses=JobListSerializer,
    examples=[response_example("Jobs", {"results": [_JOB]})],
)
list_runs = extend_schema(
    operation_id="jobs_runs",
    tags=[TAG],
    summary="Runs of a job",
    description="Newest first.",
    parameters=[_NAME, PageQuery],
    responses=page_of(JobRunSerializer, "JobRunPage"),
    examples=[page_example(RUN_EXAMPLE, "jobs/delete_expired/runs/")],
)
retrieve_run = extend_schema(
    operation_id="jobs_run_retrieve",
    tags=[TAG],
    summary="Read a run",
    description="Poll it until `outcome` is `DONE` or `FAILED`.",
    parameters=[_NAME, _RUN_ID],
    responses=JobRunSerializer,
    examples=[response_example("Run", RUN_EXAMPLE)],
)
run_job = extend_schema(
    operation_id="jobs_run",
    tags=[TAG],
    summary="Run a job for a date",
    description="A worker does the work; `Location` is the run to poll. A date has one run that is"
    " not failed: the same request again returns it, with 202 while it goes on and with 200 once it"
    " is done. After a failure it asks for another run.",
    parameters=[_NAME],
    request=JobRunBody,
    responses={200: JobRunSerializer, 202: JobRunSerializer},
    examples=[
        request_example({"date": RUN_EXAMPLE["date"]}),
        response_example("Waiting", _WAITING, 202),
        response_example("Done", RUN_EXAMPLE, 200),
    ],
    extensions=errors(),
)
