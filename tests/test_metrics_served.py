"""A served bank counts exactly what it did, over all of its processes, and when some are killed."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import http
from tests.demo_bank import served
from tests.http import ask
from tests.metrics import Series, falls, parsed, sums
from tests.operated import Client, operated_bank

pytestmark = pytest.mark.slow

TOKEN = "only-for-tests-0123456789-0123456789"
THREADS = 4
ROUNDS = 8
PATIENCE_SECONDS = 90
ROUTE = "/api/v1/accounts/<id:account_id>"
# Processes that are killed while requests come.
KILLS = 4


class Bank:
    """A served bank with three accounts; `answers` are those to its client, by route and status."""

    def __init__(
        self, environment: dict[str, str], folder: Path, url: str, credentials: dict[str, str]
    ) -> None:
        self.environment, self.folder, self.url = environment, folder, url
        self.client = Client(url, credentials)
        self.answers: Counter[tuple[str, str]] = Counter()
        self.accounts = [self._open(number) for number in range(3)]

    def _open(self, number: int) -> str:
        body = {"name": f"Account {number}", "initial_balance": "20.00"}
        status, account = self.client.post("accounts/", body)
        assert status == 201, account
        return str(account["account_id"])

    def send(self, number: int, route: str, body: Any, **headers: str) -> None:
        account = self.accounts[number % 3]
        status, _ = self.client.post(f"accounts/{account}/{route}/", body, **headers)
        if status:
            self.answers[f"{ROUTE}/{route}/", f"{status // 100}xx"] += 1

    def storm(self, rounds: int = ROUNDS) -> None:
        """Movements of all kinds from several threads; some are refused, some are replays."""
        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(self._some, each, rounds) for each in range(THREADS)]:
                done.result()

    def _some(self, thread: int, rounds: int) -> None:
        for round_ in range(rounds):
            number = thread + round_
            key = f"{time.monotonic()}-{thread}"
            self.send(number, "deposit", {"amount": "1.10"}, Idempotency_Key=key)
            self.send(number, "deposit", {"amount": "1.10"}, Idempotency_Key=key)
            self.send(number, "withdraw", {"amount": f"{7 * (round_ % ROUNDS) + 1}.00"})
            target = self.accounts[(number + 1) % 3]
            self.send(number, "transfer", {"amount": "2.00", "target_account_id": target})
            self.send(number, "deposit", {"amount": "0.30"}, Prefer="respond-async")
            self.send(number, "withdraw", {"amount": "900"}, Prefer="respond-async")

    def series(self) -> dict[Series, float]:
        answer = ask("GET", f"{self.url}/metrics", None, {"Authorization": f"Bearer {TOKEN}"})
        assert answer.status == 200, answer.text
        return parsed(answer.text)

    def wait_for(self, what: str, is_true: Any) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not is_true():
            assert time.monotonic() < until, what
            time.sleep(0.2)

    def rows(self) -> Counter[tuple[str, ...]]:
        """The transactions by type, status, currency and failure code, as the API lists them."""
        names = ("type", "status", "currency")
        return Counter(
            (*(str(row[name]) for name in names), (row["failure"] or {}).get("code", ""))
            for row in self.client.all_of("transactions/?page_size=100")
        )

    def is_drained(self) -> bool:
        return not [key for key in self.rows() if key[1] in ("PENDING", "PROCESSING")]

    def processes(self) -> dict[str, list[psutil.Process]]:
        """The web processes and the worker of the queue."""
        found: dict[str, list[psutil.Process]] = {"web": [], "worker": []}
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # It may end meanwhile.
                words = process.cmdline()
                if "process_transactions" in words:
                    if any(word.startswith("--slot") for word in words):
                        found["worker"].append(process)
                elif "gunicorn" in " ".join(words) and "gunicorn" in " ".join(
                    process.parent().cmdline()  # type: ignore[union-attr]
                ):
                    found["web"].append(process)
        return found

    def kill_one(self, kind: str) -> None:
        """Kills a process of this kind; waits for one if all have died."""
        self.wait_for(f"no {kind}", lambda: self.processes()[kind])
        self.processes()[kind][0].kill()


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with operated_bank(tmp_path) as operated:
        password = {"DJANGO_SUPERUSER_PASSWORD": "only-for-tests-4711"}
        named = ("--username", "root", "--email", "", "--noinput")
        operated.manage("createsuperuser", *named, **password)
        credentials = json.loads(
            operated.manage("create_api_client", "Storm", "--user", "root", "--json")
        )
        environment = operated.environment() | {
            "WEB_CONCURRENCY": "2",
            "BANK_METRICS_TOKEN": TOKEN,
            "BANK_METRICS_INTERVAL_SECONDS": "0",
            "BANK_THROTTLE_CLIENT_PER_MINUTE": "0",
            "BANK_THROTTLE_ADDRESS_PER_MINUTE": "0",
        }
        with served(environment, tmp_path, "manage.py", "serve") as url:
            yield Bank(environment, tmp_path, url, credentials)


def ended(series: dict[Series, float]) -> Counter[tuple[str, ...]]:
    """The counted ends of transactions, in the labels of `Bank.rows`."""
    labels = ("type", "status", "currency", "failure_code")
    counted = sums(series, "bank_transactions_total", *labels)
    return Counter({key: value for key, value in counted.items() if key[1] != "PENDING"})


def require_exact_storm(bank: Bank) -> dict[Series, float]:
    """Asserts that a storm adds to the counters what it adds to the rows; returns the reading."""
    bank.wait_for("the queue is not drained", bank.is_drained)
    counted, rows = ended(bank.series()), bank.rows()
    bank.storm()
    bank.wait_for("the queue is not drained", bank.is_drained)
    series = bank.series()
    assert ended(series) - counted == bank.rows() - rows
    return series


def require_exact(bank: Bank) -> dict[Series, float]:
    """Asserts that the counters equal the rows and the answers, and returns the reading."""
    bank.wait_for("the queue is not drained", bank.is_drained)
    series, rows = bank.series(), bank.rows()
    assert ended(series) == rows
    queued = sums(series, "bank_transactions_total", "status", "path")
    assert queued["PENDING", "queue"] == queued["COMPLETED", "queue"] + queued["FAILED", "queue"]
    requests = sums(series, "bank_http_requests_total", "route", "status")
    for answer, count in bank.answers.items():
        assert requests[answer] == count, answer
    durations = sums(series, "bank_http_request_duration_seconds_count", "route", "status")
    assert {key: requests[key] for key in durations} == durations
    replays = sums(series, "bank_idempotent_replays_total", "what")
    first_time = bank.answers[f"{ROUTE}/withdraw/", "2xx"]
    assert replays["request",] > 0
    assert first_time > 0
    moved = sums(series, "bank_transactions_amount_total", "type", "currency")
    deposits = sum(
        float(row["amount"])
        for row in bank.client.all_of("transactions/?page_size=100&status=COMPLETED")
        if row["type"] == "DEPOSIT"
    )
    assert moved["DEPOSIT", "USD"] == pytest.approx(deposits, abs=1e-9)
    return series


def test_counters_equal_the_rows_and_never_go_back_when_processes_are_killed(bank: Bank) -> None:
    bank.storm()
    series = require_exact(bank)
    assert sums(series, "bank_queue_workers")[()] == 1
    for kind in ("web", "worker"):
        dead = bank.processes()[kind][0]
        dead.kill()
        bank.wait_for(f"no other {kind}", lambda dead=dead: not dead.is_running())
        bank.wait_for("not ready", lambda: http.get(f"{bank.url}/api/v1/health/ready/")[0] == 200)
        bank.wait_for("no worker", lambda: sums(bank.series(), "bank_queue_workers")[()] == 1)
        later = bank.series()
        assert not falls(series, later)
        bank.storm()
        series = require_exact(bank)
        assert not falls(later, series)
    kinds = sums(series, "bank_process_memory_bytes", "process")
    assert kinds["web",] > 10**7 < kinds["worker",]
    assert sums(series, "bank_process_cpu_seconds_total", "process")["worker",] > 0
    assert sums(series, "bank_database_up")[()] == 1


def test_counters_never_go_back_nor_exceed_the_rows_when_processes_are_killed_in_a_storm(
    bank: Bank,
) -> None:
    """What a process did between its COMMIT and its count is lost with it, and never doubled."""
    bank.storm()
    first = last = require_exact(bank)
    kinds = cycle(["web", "worker"])
    with ThreadPoolExecutor(1) as pool:
        for _ in range(KILLS):
            storm = pool.submit(bank.storm, 3)
            time.sleep(0.5)
            bank.kill_one(next(kinds))
            storm.result()
            bank.wait_for("no worker", lambda: bank.processes()["worker"])
            series = bank.series()
            assert not falls(last, series)
            last = series
    bank.wait_for("the queue is not drained", bank.is_drained)
    series, rows = bank.series(), bank.rows()
    assert not falls(last, series)
    assert not ended(series) - rows
    assert ended(series).total() > ended(first).total()
    later = require_exact_storm(bank)
    assert not falls(series, later)


def test_a_server_counts_from_zero_after_one_that_was_killed(bank: Bank) -> None:
    """The server itself is killed in a storm. Its processes end, and its counts go with them."""
    bank.storm()
    require_exact(bank)
    own = bank.processes()
    (worker,) = own["worker"]
    left = Path(worker.environ()["PROMETHEUS_MULTIPROC_DIR"])
    assert left.is_dir()
    with ThreadPoolExecutor(1) as pool:
        storm = pool.submit(bank.storm, 3)
        time.sleep(0.5)
        server = own["web"][0].parent()
        assert server is not None
        server.kill()
        storm.result()
    gone, alive = psutil.wait_procs([*own["web"], *own["worker"]], timeout=PATIENCE_SECONDS)
    assert gone
    assert not alive
    with served(bank.environment, bank.folder, "manage.py", "serve"):
        assert not left.exists()
        bank.wait_for("the queue is not drained", bank.is_drained)
        assert not ended(bank.series()) - bank.rows()
        # Only what the old server left in the queue.
        assert set(sums(bank.series(), "bank_transactions_total", "path")) <= {("queue",)}
        series = require_exact_storm(bank)
        assert sums(series, "bank_queue_workers")[()] == 1
