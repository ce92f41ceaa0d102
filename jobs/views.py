"""The API of jobs: for schedulers elsewhere, and for who watches. Workers do the work."""

from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from rest_framework import viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.api.fields import rfc_3339
from core.api.pagination import page_of, paginate_by_id
from core.api.permissions import RuleOfEachAction
from core.api.renderers import json_response
from core.api.requests import PageQuery, origin_of, parse_body, parse_query, refuse_query
from core.errors import NotFound
from jobs import runs, schema
from jobs.models import JobRun
from jobs.permissions import CanReadJobs, CanRunJobs
from jobs.representation import represent
from jobs.selectors import JobStanding, standings
from jobs.states import JobState


class JobViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Jobs and their runs."""

    queryset = JobRun.objects.all()
    http_method_names = ("get", "post", "head")
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadJobs,
        "runs": CanReadJobs,
        "retrieve": CanReadJobs,
        "run": CanRunJobs,
    }

    @schema.list_jobs
    def list(self, request: Request) -> HttpResponse:
        refuse_query(request)
        return json_response(request, {"results": [_represent(one) for one in standings()]})

    @schema.list_runs
    def runs(self, request: Request, job: str) -> HttpResponse:
        parse_query(PageQuery, request)
        name = runs.job_named(job).name
        asked = JobRun.objects.filter(name=name).select_related("asked_by")
        page = paginate_by_id(request, page_of(asked))
        return page.response(request, [represent(run) for run in page.results])

    @schema.retrieve_run
    def retrieve(self, request: Request, job: str, run_id: UUID) -> HttpResponse:
        refuse_query(request)
        name = runs.job_named(job).name
        found = JobRun.objects.filter(pk=run_id, name=name).first()
        if found is None:
            raise NotFound(f"There is no run {run_id} of {name}.")
        return json_response(request, represent(found))

    @schema.run_job
    def run(self, request: Request, job: str) -> HttpResponse:
        refuse_query(request)
        name = runs.job_named(job).name
        body = parse_body(schema.JobRunBody, request)
        day = body.get("date") or runs.business_date()
        run, _ = runs.ask_for(name, day, origin=origin_of(request))
        location = reverse("job-run", args=(name, run.pk))
        return json_response(
            request,
            represent(run),
            200 if run.outcome == JobState.DONE else 202,
            {"Location": request.build_absolute_uri(location)},
        )


def _represent(one: JobStanding) -> dict[str, object]:
    return {
        "job": one.job.name,
        "title": one.job.title,
        "description": one.job.meaning,
        "next_due_at": one.next_due and rfc_3339(one.next_due),
        "last_done_at": one.last_done_at and rfc_3339(one.last_done_at),
        "overdue_since": one.overdue_since and rfc_3339(one.overdue_since),
        "newest_run": represent(one.newest) if one.newest else None,
    }
