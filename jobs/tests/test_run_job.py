"""`manage.py run_job`: its words and exit codes."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs import catalog, runs
from jobs.models import JobRun
from jobs.problems import JobBusy
from jobs.tests.daily_bank import DAY, ORIGIN
from tests.api import make_user

pytestmark = pytest.mark.django_db

ON_THAT_DAY = ("delete_expired", "--date", str(DAY))


def called(*words: str) -> str:
    out = StringIO()
    call_command("run_job", *words, stdout=out)
    return out.getvalue()


def refused(*words: str) -> tuple[int, str]:
    with pytest.raises(CommandError) as caught:
        called(*words)
    return caught.value.returncode, str(caught.value)


def test_a_date_is_done_once() -> None:
    assert called(*ON_THAT_DAY) == "delete_expired for 2025-12-01 is done.\n"
    assert called(*ON_THAT_DAY) == "delete_expired for 2025-12-01 was done before.\n"
    shown = json.loads(called(*ON_THAT_DAY, "--json"))
    run = JobRun.objects.get()
    assert (shown["run_id"], shown["outcome"], shown["date"]) == (str(run.pk), "DONE", str(DAY))
    assert (shown["asked_by"], shown["caller"]) == (None, "job:run_job")
    counts = dict.fromkeys(("tokens", "sessions", "logins", "deliveries"), "0")
    assert shown["detail"] == {"dry_run": "false", **counts}
    assert called("summarise_days") == f"summarise_days for {runs.business_date()} is done.\n"


def test_what_cannot_be_run_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    make_user("tina", role="teller")
    assert refused("delete_expired", "--date", "2999-01-01") == (2, "The date has not come yet.")
    early = (2, "The earliest date of a job is 1971-01-01.")
    assert refused("issue_statements", "--date", "0001-01-01") == early
    assert refused("delete_expired", "--actor", "tina")[0] == 2
    assert refused("delete_expired", "--date", "soon")[0] == 1  # argparse, called from code.
    with pytest.raises(CommandError, match="not allowed with"):
        called(*ON_THAT_DAY, "--run", "00000000-0000-7000-8000-000000000000")
    unknown = "00000000-0000-7000-8000-000000000000"
    text = f"There is no run {unknown} of delete_expired."
    assert refused("delete_expired", "--run", unknown) == (2, text)
    run, _ = runs.ask_for("delete_expired", DAY, origin=ORIGIN)
    runs.claim(run.pk, "another")
    text = "Another process works on delete_expired for 2025-12-01."
    assert refused(*ON_THAT_DAY) == (3, text)
    runs.take_back("another")

    def work(_day: Any, _slot: str) -> Any:
        raise JobBusy("Not now.")

    monkeypatch.setitem(catalog.JOBS, "delete_expired", catalog.Job("delete_expired", "", "", work))
    text = "delete_expired for 2025-12-01 has to wait: Not now."
    assert refused("delete_expired", "--run", str(run.pk)) == (3, text)


def test_a_failure_is_told_and_tried_again() -> None:
    """Without a folder for backups."""
    text = "backup for 2025-12-01 failed: BANK_BACKUP_DIR names no folder for backups."
    for _ in range(2):
        assert refused("backup", "--date", str(DAY)) == (1, text)
    ended = JobRun.objects.first()
    assert ended is not None
    again = refused("backup", "--run", str(ended.pk))
    assert again == (1, text.replace("failed", "failed before"))
    assert list(JobRun.objects.values_list("outcome", flat=True)) == ["FAILED"] * 2
