"""The API of jobs."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from rest_framework.test import APIClient

from jobs import runs
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.tests.daily_bank import DAY, NOON
from jobs.timetable import parse
from jobs.working import work_on
from tests.api import API, make_user
from tests.factories import deposit, make_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> APIClient:
    client = APIClient()
    client.force_login(make_user("susan", role="supervisor"))
    return client


def run(client: APIClient, name: str = "delete_expired", **body: Any) -> Any:
    return client.post(f"{API}jobs/{name}/run/", body, format="json")


def test_a_date_has_one_run_to_poll(client: APIClient) -> None:
    asked = run(client, date=str(DAY))
    assert asked.status_code == 202, asked.content
    assert run(client, date=str(DAY)).json() == asked.json()
    location = asked["Location"].removeprefix("http://testserver")
    assert client.get(location).json() == asked.json()
    assert asked.json()["outcome"] == "WAITING"
    row = JobRun.objects.get()
    assert (row.asked_by.username, row.caller) == ("susan", f"user:{row.asked_by_id}")
    assert (asked.json()["asked_by"], asked.json()["caller"]) == ("susan", row.caller)
    work_on(row.pk)
    again = run(client, date=str(DAY))
    assert (again.status_code, again.json()["outcome"]) == (200, "DONE")
    assert again.json() == client.get(location).json()
    listed = client.get(f"{API}jobs/delete_expired/runs/").json()
    assert listed["results"] == [again.json()]
    assert client.get(f"{API}jobs/backup/runs/").json()["results"] == []


def test_a_failed_run_is_asked_for_again(client: APIClient) -> None:
    first = run(client, "backup").json()
    work_on(first["run_id"])
    second = run(client, "backup")
    assert (second.status_code, second.json()["date"]) == (202, str(runs.business_date()))
    assert second.json()["run_id"] != first["run_id"]
    outcomes = [one["outcome"] for one in client.get(f"{API}jobs/backup/runs/").json()["results"]]
    assert outcomes == ["WAITING", "FAILED"]


def test_what_cannot_be_run_is_refused(client: APIClient) -> None:
    tomorrow = runs.business_date() + timedelta(days=1)
    refused = run(client, date=str(tomorrow))
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "in_the_future")
    refused = run(client, date="0001-01-01")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "out_of_range")
    assert run(client, date="soon").status_code == 400
    assert run(client, at="02:00").status_code == 400
    assert run(client, "nothing").status_code == 404
    asked = run(client).json()
    for path in ("nothing/runs/", f"backup/runs/{asked['run_id']}/", f"backup/runs/{uuid4()}/"):
        assert client.get(f"{API}jobs/{path}").status_code == 404
    assert JobRun.objects.count() == 1


def test_the_list_knows_what_is_due_and_overdue(client: APIClient, settings: Any) -> None:
    settings.JOBS = parse("delete_expired@02:00,summarise_days@*/10m", JOBS)
    settings.JOB_LIMIT_MINUTES = 60

    def overdue() -> dict[str, Any]:
        found = client.get(f"{API}jobs/").json()["results"]
        assert [one["job"] for one in found] == list(JOBS)
        return {one["job"]: one["overdue_since"] for one in found if one["overdue_since"]}

    with time_machine.travel(NOON - timedelta(days=1), tick=False):
        assert overdue() == {}  # Nothing has moved in this bank.
        deposit(make_account(), 5)
    with time_machine.travel(NOON, tick=False):
        expected = {
            "delete_expired": "2025-12-01T02:00:00.000000Z",
            "summarise_days": "2025-12-01T11:00:00.000000Z",
        }
        assert overdue() == expected
        work_on(run(client, date=str(DAY - timedelta(days=1))).json()["run_id"])
        assert overdue() == expected  # What was due is another date.
        work_on(run(client, date=str(DAY)).json()["run_id"])
        del expected["delete_expired"]
        assert overdue() == expected
        work_on(run(client, "summarise_days", date=str(DAY)).json()["run_id"])
        del expected["summarise_days"]  # Done after the slot, for its date.
        assert overdue() == expected == {}
        settings.JOB_LIMIT_MINUTES = 0
        assert overdue() == {}
        first = client.get(f"{API}jobs/").json()["results"]
        found = next(one for one in first if one["job"] == "delete_expired")
        assert found["next_due_at"] == "2025-12-02T02:00:00.000000Z"
        assert found["last_done_at"] == found["newest_run"]["ended_at"]
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        settings.JOB_LIMIT_MINUTES = 60
        assert overdue()["delete_expired"] == "2025-12-02T02:00:00.000000Z"
