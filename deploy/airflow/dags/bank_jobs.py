"""Jobs of the bank as tasks of Airflow: the operator, and the settings that all DAGs share.

The DAGs know the bank by its API only; docs/airflow.md of the bank tells how to set it up. A job is
done once for a date, so a task may be repeated at any point: it finds the run of its date again.
"""

import os
import time
from collections.abc import Mapping, Set
from datetime import date, timedelta
from typing import Any

import httpx
import pendulum
from airflow.sdk import BaseHook, BaseOperator, CronDataIntervalTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

# The bank's own setting, with the bank's default.
ZONE = pendulum.timezone(os.environ.get("BANK_TIME_ZONE") or "UTC")

# A day that Airflow missed is not caught up: each job also does what earlier days left. Retries are
# for a bank that is away; a job that has failed waits for a person.
SETTINGS: Mapping[str, Any] = {
    "start_date": pendulum.datetime(2026, 1, 1, tz=ZONE),
    "catchup": False,
    "max_active_runs": 1,
    "dagrun_timeout": timedelta(hours=12),
    "tags": ["bank"],
    "default_args": {
        "owner": "bank",
        "retries": 3,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=6),
    },
}

_SCOPES = "jobs:read jobs:run"
_SCHEMES = ("https", "http")
_ENDED = ("DONE", "FAILED")
_TIMEOUT_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 60.0


def at(cron: str) -> CronDataIntervalTimetable:
    """The schedule of a DAG, in the bank's time zone."""
    return CronDataIntervalTimetable(cron, timezone=ZONE)


class BankAway(AirflowException):
    """The bank has not answered for too long. The task is worth a retry."""


class BankJobOperator(BaseOperator):
    """Has the bank do a job for the day of the run, and waits for its end.

    The day of a scheduled run is the one which a worker of the bank would take: both may ask, and
    the work is done once. Returns the bank's run. Raises AirflowFailException, which ends the
    retries, if the job has failed or the bank refuses, and BankAway if the bank cannot be reached
    for `outage`.
    """

    def __init__(
        self,
        *,
        job: str,
        bank_conn_id: str = "bank",
        poll_seconds: float = 10.0,
        outage: timedelta = timedelta(minutes=15),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.bank_conn_id = bank_conn_id
        self.poll_seconds = poll_seconds
        self.outage = outage

    def execute(self, context: Any) -> dict[str, Any]:
        day = _business_date(context["dag_run"])
        with BankApi(self.bank_conn_id, self.poll_seconds, self.outage, self.log) as bank:
            self.log.info("Asking the bank for %s of %s.", self.job, day)
            run = bank.ask_for(self.job, day)
            self.log.info("The run is %s: %s.", run["run_id"], run["outcome"])
            while run["outcome"] not in _ENDED:
                time.sleep(self.poll_seconds)
                run = bank.run(self.job, run["run_id"])
        if run["outcome"] == "FAILED":
            raise AirflowFailException(f"{self.job} of {day} has failed: {run['problem']}")
        self.log.info("The bank has done %s of %s: %s", self.job, day, run["detail"])
        return run


def _business_date(dag_run: Any) -> date:
    """The day on which the interval ends; by hand, that of the logical date or else of the wish.

    By hand the interval would be the last one that had ended: before the time of the schedule, the
    day would be an earlier one.
    """
    by_hand = dag_run.run_type == "manual"
    moment = dag_run.logical_date if by_hand else dag_run.data_interval_end
    return (moment or dag_run.run_after).astimezone(ZONE).date()


class BankApi:
    """The bank's API as an OAuth2 client. Waits while the bank is away, at most for `outage`."""

    def __init__(self, conn_id: str, poll_seconds: float, outage: timedelta, log: Any) -> None:
        known = BaseHook.get_connection(conn_id)
        address = _address(known.host, known.port)
        if address is None or not known.login or not known.password:
            raise AirflowFailException(
                f"The connection {conn_id} needs a host like https://bank.example.com, and the id"
                " and the secret of a client as login and password."
            )
        self._client = httpx.Client(base_url=address, timeout=_TIMEOUT_SECONDS)
        self._credentials = httpx.BasicAuth(known.login, known.password)
        self._token = ""
        self._poll_seconds, self._outage, self._log = poll_seconds, outage, log

    def __enter__(self) -> "BankApi":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def ask_for(self, job: str, day: date) -> dict[str, Any]:
        """The run of this date. Asking again finds the same run."""
        body = {"date": day.isoformat()}
        return _run(self._answer("POST", f"/api/v1/jobs/{job}/run/", json=body))

    def run(self, job: str, run_id: str) -> dict[str, Any]:
        return _run(self._answer("GET", f"/api/v1/jobs/{job}/runs/{run_id}/"))

    def _answer(self, method: str, path: str, **body: Any) -> httpx.Response:
        """The success. A token that has expired is renewed once."""
        if not self._token:
            self._renew_token()
        answer = self._send(method, path, **self._bearer(), **body)
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._log.info("The token has expired: asking for a new one.")
            self._renew_token()
            answer = self._send(method, path, **self._bearer(), **body)
        if not answer.is_success:
            raise AirflowFailException(f"The bank refuses {method} {answer.url}: {_reason(answer)}")
        return answer

    def _bearer(self) -> dict[str, Any]:
        return {"headers": {"Authorization": f"Bearer {self._token}"}}

    def _renew_token(self) -> None:
        """By the client credentials grant (RFC 6749, section 4.4)."""
        form = {"grant_type": "client_credentials", "scope": _SCOPES}
        answer = self._send("POST", "/api/v1/oauth/token/", data=form, auth=self._credentials)
        if not answer.is_success:
            raise AirflowFailException(
                f"{answer.url} gives no token for {_SCOPES}: {_reason(answer)}"
            )
        self._token = _object(answer, {"access_token"})["access_token"]

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """The first answer that is not "later". Each request may be sent twice."""
        until = time.monotonic() + self._outage.total_seconds()
        while True:
            pause = self._poll_seconds
            try:
                answer = self._client.request(method, path, **more)
            except httpx.RequestError as error:
                reason = str(error) or type(error).__name__
            else:
                if not _is_later(answer):
                    return answer
                reason, pause = _reason(answer), _retry_after(answer, pause)
            if time.monotonic() + pause > until:
                raise BankAway(f"The bank has been away for {self._outage}: {reason}")
            self._log.warning("The bank is away (%s). Trying again in %.1f s.", reason, pause)
            time.sleep(pause)


def _address(host: str | None, port: int | None) -> httpx.URL | None:
    """The address of the bank; None if the host of the connection is none."""
    try:
        url = httpx.URL((host or "").rstrip("/"))
    except httpx.InvalidURL:
        return None
    return url.copy_with(port=port or url.port) if url.scheme in _SCHEMES and url.host else None


def _is_later(answer: httpx.Response) -> bool:
    return answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS


def _retry_after(answer: httpx.Response, otherwise: float) -> float:
    """The seconds that the bank asks for (RFC 9110, section 10.2.3)."""
    told = answer.headers.get("Retry-After", "")
    return min(max(float(told), 1.0), _LONGEST_PAUSE_SECONDS) if told.isdecimal() else otherwise


def _run(answer: httpx.Response) -> dict[str, Any]:
    return _object(answer, {"run_id", "outcome", "problem", "detail"})


def _object(answer: httpx.Response, members: Set[str]) -> dict[str, Any]:
    """The JSON of a success. Raises AirflowFailException if no bank has sent it."""
    told = _json(answer)
    if members <= told.keys():
        return told
    raise AirflowFailException(
        f"{answer.url} answers {answer.status_code}, but not as a bank does. Is the host of the"
        " connection the address of the bank?"
    )


def _json(answer: httpx.Response) -> dict[str, Any]:
    """The object in the body; an empty one if there is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _reason(answer: httpx.Response) -> str:
    """What the bank says: problem details (RFC 9457), or the error of a token (RFC 6749)."""
    if answer.has_redirect_location:
        return f"{answer.status_code}, it redirects to {answer.headers['Location']}"
    told = _json(answer)
    words = told.get("detail") or told.get("error_description") or told.get("error")
    fields = told.get("errors")
    if isinstance(fields, list):
        words = " ".join(str(one.get("detail")) for one in fields if isinstance(one, dict)) or words
    return f"{answer.status_code} {words or answer.reason_phrase}"
