"""The DAGs of deploy/airflow, run by a real Airflow against a served bank."""

import ast
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from statements.tests.monthly_bank import NOVEMBER, at, make_monthly_bank
from tests import http
from tests.airflow.scheduler import DAGS, Airflow, DagRun, airflow
from tests.api import make_user
from tests.crash.processes import eventually
from tests.demo_bank import served
from tests.factories import run
from tests.scratch import Bank, migrated_bank
from transactions.commands import Withdraw
from webhooks.tests.receiver import serving

# The database is there; the tests read and write the copy that is served.
pytestmark = pytest.mark.django_db

ZONE = "Europe/Berlin"
# The days of the runs. Each test has its own, because a job is done once for a day.
FIRST, FAILING, TRIED, WAITING = "2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"
BY_HAND = "2026-03-05"

END_OF_DAY = (
    "backup",
    "summarise_days",
    "export_lake",
    "archive_transactions",
    "delete_expired",
)
JOBS = {
    "end_of_day": END_OF_DAY,
    "statements_monthly": ("issue_statements",),
    "books_check": ("verify_ledger", "seal_ledger"),
    "retry_failed": ("retry_failed",),
}


class Scheduled:
    """A served bank, and the Airflow that is its client."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self._client = self.new_client("jobs:read", "jobs:run")
        self.backups = bank.folder / "backups"
        self.airflow: Airflow
        self._port = http.free_port()
        self._server = ExitStack()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def serve(self, *words: str, **environment: str) -> None:
        environment = self.bank.environment | environment | {
            "HOST": "127.0.0.1",
            "PORT": str(self._port),
            "WEB_CONCURRENCY": "1",
            "BANK_TIME_ZONE": ZONE,
            "BANK_BACKUP_DIR": str(self.backups),
        }  # fmt: skip
        context = served(environment, self.bank.folder, "manage.py", "serve", *words)
        self._server.enter_context(context)

    def stop(self) -> None:
        self._server.close()

    def new_client(self, *scopes: str) -> dict[str, str]:
        """Login and password of a connection: those of a client that acts as `night`."""
        words = ("Airflow", "--user", "night", "--scopes", *scopes, "--json")
        code, printed = self.bank.manage("create_api_client", *words)
        assert code == 0, printed
        made = json.loads(printed)
        return {"login": made["client_id"], "password": made["client_secret"]}

    def connection(self, **other: Any) -> str:
        return json.dumps({"conn_type": "generic", "host": self.url, **self._client, **other})

    def run(self, dag: str, day: str, *, outage: float = 300, **connection: Any) -> DagRun:
        """Runs the DAG as on that day, when its last interval had ended."""
        given = self.connection(**connection)
        return self.airflow.run(dag, _noon(day), connection=given, outage=outage)

    def begin(self, dag: str, day: str) -> None:
        self.airflow.begin(dag, _noon(day), connection=self.connection(), outage=300)

    def runs(self, job: str) -> list[dict[str, Any]]:
        """What the bank tells of the runs of a job, newest first."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self._client["login"],
            "client_secret": self._client["password"],
        }
        _, text = http.post_form(f"{self.url}/api/v1/oauth/token/", form)
        bearer = {"Authorization": f"Bearer {json.loads(text)['access_token']}"}
        status, text = http.get(f"{self.url}/api/v1/jobs/{job}/runs/", **bearer)
        assert status == 200, text
        found: list[dict[str, Any]] = json.loads(text)["results"]
        return found

    def outcomes(self, job: str, day: str) -> list[str]:
        return [one["outcome"] for one in self.runs(job) if one["date"] == day]


def _noon(day: str) -> str:
    return f"{day}T12:00:00+01:00"


def refusal(scheduled: Scheduled, day: str, **connection: Any) -> str:
    """The sentence with which the task fails at once."""
    ended = scheduled.run("retry_failed", day, **connection)
    assert ended.tasks == {"retry_failed": "failed"}
    return ended.log.rpartition("AirflowFailException: ")[2].partition("\n")[0]


class Stranger(BaseHTTPRequestHandler):
    """Another server than the bank."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.path.split("/")[1]
        self.send_response({"page": 200, "moved": 302}.get(kind, 404))
        if kind == "moved":
            self.send_header("Location", "https://bank.example.com/")
        self.end_headers()
        self.wfile.write(b"<h1>Welcome</h1>")

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def scheduled(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: Any
) -> Iterator[Scheduled]:
    """The bank of two months, with a withdrawal that could not be paid, and a key for seals."""
    folder: Path = tmp_path_factory.mktemp("bank")
    (folder / "backups").mkdir()
    with django_db_blocker.unblock():
        empty = make_monthly_bank().cid
        with at(NOVEMBER):
            run(Withdraw(account_id=empty.id, amount=Decimal(5)))
        make_user("night", role="supervisor")
        with ExitStack() as stack:
            bank = stack.enter_context(migrated_bank(folder))
            assert bank.manage("seal_ledger", "--new-key")[0] == 0
            made = Scheduled(bank)
            stack.callback(made.stop)
            made.serve()
            home = tmp_path_factory.mktemp("airflow")
            made.airflow = stack.enter_context(airflow(home, BANK_TIME_ZONE=ZONE))
            yield made


def test_airflow_finds_four_dags_and_no_error(scheduled: Scheduled) -> None:
    found = scheduled.airflow.found
    assert found["errors"] == {}
    assert found["bank"] == []
    same = {
        "day": FIRST,
        "zone": ZONE,
        "catchup": False,
        "max_active_runs": 1,
        "timeout_hours": 12,
        "documented": True,
    }
    crons = {
        "end_of_day": "30 0 * * *",
        "statements_monthly": "0 3 1 * *",
        "books_check": "0 5 * * *",
        "retry_failed": "0 7 * * *",
    }
    kept = ["backup", "export_lake", "summarise_days"]
    after = {
        "archive_transactions": kept,
        "delete_expired": ["archive_transactions"],
        "seal_ledger": ["verify_ledger"],
    }
    assert found["dags"] == {
        dag: {
            "cron": crons[dag],
            **same,
            "tasks": {
                job: {"after": after.get(job, []), "job": job, "retries": 3, "timeout_hours": 6}
                for job in jobs
            },
        }
        for dag, jobs in JOBS.items()
    }


def test_dags_import_airflow_and_nothing_of_the_bank() -> None:
    paths = sorted(DAGS.glob("*.py"))
    assert [path.stem for path in paths] == sorted([*JOBS, "bank_jobs"])
    allowed = {"airflow", "bank_jobs", "httpx", "pendulum"} | sys.stdlib_module_names
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert {name.partition(".")[0] for name in names} <= allowed, path


@pytest.mark.parametrize("dag", JOBS)
def test_each_dag_has_its_jobs_done_for_the_day(scheduled: Scheduled, dag: str) -> None:
    ended = scheduled.run(dag, FIRST)
    assert ended.state == "success"
    assert ended.tasks == dict.fromkeys(JOBS[dag], "success")
    for job in JOBS[dag]:
        (told,) = scheduled.runs(job)
        asked = {name: told[name] for name in ("outcome", "date", "slot", "asked_by", "attempts")}
        assert asked == {
            "outcome": "DONE", "date": FIRST, "slot": "", "asked_by": "night", "attempts": 1,
        }  # fmt: skip
        assert f"Asking the bank for {job} of {FIRST}." in ended.log
        assert f"The bank has done {job} of {FIRST}: " in ended.log


def test_the_work_of_the_first_day_is_what_the_bank_shows(scheduled: Scheduled) -> None:
    """After the runs above: the jobs were real ones."""
    known = {job: scheduled.runs(job)[0]["detail"] for jobs in JOBS.values() for job in jobs}
    assert [path.suffix for path in sorted(scheduled.backups.glob("bank-20260301.*"))][-1] == (
        ".sha256"
    )
    assert known["backup"]["is_new"] == "true"
    assert known["issue_statements"]["issued"] == "17"
    assert known["retry_failed"]["transactions"] == "1"
    assert known["verify_ledger"]["ok"] == "true"


def test_a_second_run_for_the_day_does_nothing_twice(scheduled: Scheduled) -> None:
    before = {job: scheduled.runs(job) for job in END_OF_DAY}
    ended = scheduled.run("end_of_day", FIRST)
    assert ended.tasks == dict.fromkeys(END_OF_DAY, "success")
    assert {job: scheduled.runs(job) for job in END_OF_DAY} == before
    assert len(list(scheduled.backups.glob("bank-*.sha256"))) == 1


@pytest.mark.parametrize("at", [None, f"{BY_HAND}T04:00:00+01:00"])
def test_a_run_by_hand_is_for_its_own_day(scheduled: Scheduled, at: str | None) -> None:
    """Also before the time of the schedule, which is 07:00."""
    day = BY_HAND if at else str(datetime.now(ZoneInfo(ZONE)).date())
    given = {"connection": scheduled.connection(), "outage": 300}
    assert scheduled.airflow.run("retry_failed", at, **given).state == "success"
    assert scheduled.outcomes("retry_failed", day) == ["DONE"]


def test_a_failed_job_fails_its_task_with_the_sentence_of_the_job(scheduled: Scheduled) -> None:
    away = scheduled.backups.rename(scheduled.backups.with_name("unplugged"))
    ended = scheduled.run("end_of_day", FAILING)
    assert ended.state == "failed"
    assert ended.tasks == {
        "backup": "failed",
        "summarise_days": "success",
        "export_lake": "success",
        "archive_transactions": "upstream_failed",
        "delete_expired": "upstream_failed",
    }
    assert (
        f"backup of {FAILING} has failed: There is no folder {scheduled.backups}. Mount its disk,"
        " or make it."
    ) in ended.log
    away.rename(scheduled.backups)
    assert scheduled.run("end_of_day", FAILING).state == "success"
    assert scheduled.outcomes("backup", FAILING) == ["DONE", "FAILED"]
    assert scheduled.outcomes("export_lake", FAILING) == ["DONE"]


def test_what_the_bank_refuses_fails_at_once(scheduled: Scheduled) -> None:
    refused = partial(refusal, scheduled, TRIED)
    token = f"{scheduled.url}/api/v1/oauth/token/ gives no token for jobs:read jobs:run"
    assert refused(password="wrong") == f"{token}: 401 invalid_client"
    reader = scheduled.new_client("jobs:read")
    assert refused(**reader) == f"{token}: 400 invalid_scope"
    incomplete = (
        "The connection bank needs a host like https://bank.example.com, and the id and the secret"
        " of a client as login and password."
    )
    for host in ("bank.example.com", "https://bank.example.com:https", "https:///bank"):
        assert refused(host=host) == incomplete
    assert scheduled.outcomes("retry_failed", TRIED) == []
    assert refusal(scheduled, "2999-01-02") == (
        f"The bank refuses POST {scheduled.url}/api/v1/jobs/retry_failed/run/: 400 The date has not"
        " come yet."
    )


def test_an_address_that_is_not_the_bank_s_fails_at_once(scheduled: Scheduled) -> None:
    with serving(Stranger) as port:
        stranger = f"http://127.0.0.1:{port}"
        told = {
            path: refusal(scheduled, TRIED, host=stranger + path)
            for path in ("/page", "/moved", "/nothing")
        }
    route, no_token = "/api/v1/oauth/token/", "gives no token for jobs:read jobs:run"
    assert told == {
        "/page": f"{stranger}/page{route} answers 200, but not as a bank does. Is the host of the"
        " connection the address of the bank?",
        "/moved": f"{stranger}/moved{route} {no_token}: 302, it redirects to"
        " https://bank.example.com/",
        "/nothing": f"{stranger}/nothing{route} {no_token}: 404 Not Found",
    }


def test_a_bank_that_stays_away_fails_the_task_after_a_while(scheduled: Scheduled) -> None:
    nobody = f"http://127.0.0.1:{http.free_port()}"
    ended = scheduled.run("retry_failed", TRIED, outage=1, host=nobody)
    assert ended.tasks == {"retry_failed": "failed"}
    assert "The bank is away ([Errno 111] Connection refused). Trying again in 0.2 s." in ended.log
    assert "The bank has been away for 0:00:01: [Errno 111] Connection refused" in ended.log


def test_a_task_outlives_its_token_and_a_bank_that_is_away(scheduled: Scheduled) -> None:
    """Without a worker the run waits, while tokens expire each second; then the bank restarts."""
    scheduled.stop()
    scheduled.serve("--without-worker", BANK_TOKEN_LIFETIME_SECONDS="1")
    scheduled.begin("books_check", WAITING)
    eventually(lambda: scheduled.airflow.logged().count("The token has expired") > 1)
    assert scheduled.outcomes("verify_ledger", WAITING) == ["WAITING"]
    scheduled.stop()
    eventually(lambda: scheduled.airflow.logged().count("The bank is away") > 1)
    scheduled.serve()
    ended = scheduled.airflow.end()
    assert ended.tasks == {"verify_ledger": "success", "seal_ledger": "success"}
    assert scheduled.outcomes("verify_ledger", WAITING) == ["DONE"]
    assert scheduled.outcomes("seal_ledger", WAITING) == ["DONE"]
