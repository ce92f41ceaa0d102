"""The page Jobs, and what is overdue everywhere else."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.urls import reverse
from rest_framework.test import APIClient

from bankproject.metrics import cache as readings
from bankproject.metrics.shown import of_database
from jobs.catalog import JOBS
from jobs.models import JobRun
from jobs.tests.daily_bank import NOON
from jobs.timetable import parse
from jobs.working import work_on
from tests.api import API, anonymous, staff
from tests.factories import deposit, make_account

pytestmark = pytest.mark.django_db

PAGE, RUN = reverse("jobs-page"), reverse("jobs-run")


def said(client: APIClient, **form: Any) -> list[str]:
    page = client.post(RUN, form, follow=True, format="multipart")
    assert page.redirect_chain == [(PAGE, 302)]
    return [str(one) for one in page.context["messages"]]


def test_a_supervisor_runs_a_job_now_and_once_more_after_it_is_done() -> None:
    susan = staff("supervisor")
    title = JOBS["delete_expired"].title
    with time_machine.travel(NOON):  # It ticks: ids follow the time.
        assert said(susan, job="delete_expired") == [f"{title}: a worker starts it now."]
        (again,) = said(susan, job="delete_expired")
        assert again.startswith(f"{title}: asked for at ")
        assert "Under way" in susan.get(PAGE).content.decode()
        work_on(JobRun.objects.get().pk)
        assert said(susan, job="delete_expired") == [f"{title}: a worker starts it now."]
        (again,) = said(susan, job="delete_expired")
        assert again.startswith(f"{title}: asked for at ")
        assert said(susan, job="nothing") == ["Not found: There is no job nothing."]
        slots = JobRun.objects.values_list("slot", "outcome", "asked_by__username")
        assert sorted(slots) == [
            ("", "DONE", "supervisor"),
            ("12:00", "WAITING", "supervisor"),
        ]
        html = susan.get(PAGE).content.decode()
        assert html.count("Run now</button>") == len(JOBS) - 1
        # PostgreSQL keeps the names of an object in its own order.
        assert "dry_run: false" in html
        assert "tokens: 0" in html
    log = susan.get(reverse("audit")).content.decode()
    assert log.count("Asked for this run") == 2


def test_a_job_that_is_gone_keeps_its_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    susan = staff("supervisor")
    said(susan, job="backup")
    monkeypatch.delitem(JOBS, "backup")
    html = susan.get(PAGE).content.decode()
    assert "Back up the bank" not in html
    assert ">backup<" in "".join(html.split())


@pytest.mark.parametrize("role", ["teller", "auditor"])
def test_others_read_and_press_nothing(role: str) -> None:
    client = staff(role)
    html = client.get(PAGE).content.decode()
    assert "No job has run yet." in html
    assert "Run now" not in html
    assert client.post(RUN, {"job": "backup"}).status_code == 403
    assert client.post(PAGE).status_code == 405
    assert not JobRun.objects.exists()


def test_what_is_overdue_is_told_everywhere(settings: Any) -> None:
    settings.JOBS = parse("delete_expired@02:00,summarise_days@*/1h", JOBS)
    settings.VERIFICATION_LIMIT_HOURS = 0
    susan = staff("supervisor")

    def told() -> tuple[bool, str, bool, dict[str, float]]:
        """On the page, in health/ready/, as a bar, and by job as a metric."""
        cache.clear()
        readings.forget()
        html = susan.get(PAGE).content.decode()
        duty = anonymous().get(f"{API}health/ready/").json()["duties"]["jobs"]
        samples = [one for metric in of_database() for one in metric.samples]
        overdue = {
            one.labels["name"]: one.value for one in samples if one.name == "bank_job_overdue"
        }
        return "bank-badge-danger" in html, duty, "Overdue: " in html, overdue

    with time_machine.travel(NOON - timedelta(days=1), tick=False):
        deposit(make_account(), 5)
    with time_machine.travel(NOON, tick=False):
        titles = f"{JOBS['delete_expired'].title}, {JOBS['summarise_days'].title}"
        every = {"delete_expired": 1.0, "summarise_days": 1.0}
        assert told() == (True, f"overdue: {titles}", True, every)
        for name in every:
            said(susan, job=name)
            assert work_on(JobRun.objects.get(name=name).pk)
        assert told() == (False, "ok", False, dict.fromkeys(every, 0.0))
        samples = {
            (one.name, *one.labels.values()): one.value
            for metric in of_database()
            for one in metric.samples
        }
        success = samples["bank_job_last_success_timestamp_seconds", "delete_expired"]
        assert success == NOON.timestamp()
        assert samples["bank_job_last_success_seconds", "delete_expired"] == 0
        assert samples["bank_job_runs", "delete_expired", "DONE"] == 1
