"""The admin shows the transactions of each archive run, and how it ended."""

from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.identifiers import uuid7
from tests.admin import logged_in_as
from transactions.models import ArchiveRun
from transactions.tests.archiving import make_bank, take

pytestmark = pytest.mark.django_db

LIST = reverse("admin:transactions_archiverun_changelist")


@pytest.fixture
def auditor() -> Client:
    return logged_in_as("auditor")


def test_a_run_and_its_segments(auditor: Client, archive_file: Path) -> None:
    make_bank()
    run = take(batch_size=4).run
    page = auditor.get(reverse("admin:transactions_archiverun_change", args=[run.pk]))
    text = " ".join(page.content.decode().split())
    assert "1,138.75 USD" in text
    assert "700 JPY" in text
    assert "Include failed, Keep last: 0" in text
    assert run.digest in text
    assert [segment.rows for segment in run.segments.all()] == [4, 1, 1]
    for segment in run.segments.all():
        assert segment.digest in text


def test_the_list_tells_how_each_run_ended(auditor: Client, archive_file: Path) -> None:
    run = take().run
    now = timezone.now()
    ArchiveRun.objects.create(id=uuid7(now), started_at=now, caller="worker:w")
    ArchiveRun.objects.create(
        id=uuid7(now), started_at=now, finished_at=now, problem="The disk is full.", caller="job:x"
    )
    page = auditor.get(LIST)
    text = page.content.decode()
    assert [row.caller for row in page.context["cl"].result_list][-1] == run.caller
    for words in ("Finished", "Not finished", "Interrupted", "worker w", "job tests"):
        assert words in text
