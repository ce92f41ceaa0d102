"""Processes are killed at each step of a command's life, and the bank recovers."""

import http.client
import signal
import time
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from accounts.models import Account
from core.failpoints import FAILPOINTS
from tests.concurrency.bank import supervisor_token, totals
from tests.concurrency.crowd import at_once
from tests.concurrency.tally import Tally
from tests.crash.processes import PATIENCE_SECONDS, Workers
from tests.crash.web import WebServer
from tests.factories import ORIGIN, make_account
from tests.http import ask
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.models import Transaction, TransactionEvent
from transactions.queue.acceptance import accept
from transactions.queue.worker import Worker
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

LEASE_SECONDS = 0.3
QUEUED, HELD, DONE = "PENDING", "PROCESSING", "DONE"

# The step at which a worker dies, and the state of its claimed commands. HELD ones return to the
# queue when the lease expires.
WORKER_POINTS = {
    "claim.locked": QUEUED,
    "claim.leased": QUEUED,
    "claim.committed": HELD,
    "post.rows_locked": HELD,
    "post.accounts_locked": HELD,
    "settle.journal": HELD,
    "post.settled": HELD,
    "post.recorded": HELD,
    "post.committed": DONE,
}
# One function changes rows of the queue. It is killed while it fails a command, and while it gives
# one back.
FAIL_POINTS = {"change.locked": HELD, "change.recorded": HELD, "change.committed": "FAILED"}
GIVE_BACK_POINTS = FAIL_POINTS | {"change.committed": QUEUED}
# The step at which a web worker dies, and whether the command is stored by then.
ACCEPT_POINTS = {"accept.read": False, "accept.stored": True}
PROCESS_POINTS = {
    "process.locked": False,
    "process.written": False,
    "process.committed": True,
}
# A step within a list: a single command is written in one statement.
LIST_POINTS = {"write.journal": False}

# The same for a group of commands.
GATHER_POINTS = {"gather.taken": False, "gather.written": False, "gather.committed": True}
# Clients at once: enough that some wait in one process while it serves another.
CROWD = 16

# The prefixes of jobs with files. Each has a test file of its own that kills it at its steps.
JOBS = (
    *("export.", "archive.", "statements.", "import.", "post_batch.", "mail.", "seal.", "job."),
    *("backup.", "desk.", "lake.", "webhook."),
)


def test_every_failpoint_is_killed_below() -> None:
    exercised = [
        *ACCEPT_POINTS,
        *WORKER_POINTS,
        *PROCESS_POINTS,
        *LIST_POINTS,
        *GATHER_POINTS,
        *FAIL_POINTS,
    ]
    of_commands = [point for point in FAILPOINTS if not point.startswith(JOBS)]
    assert Counter(exercised) == Counter(of_commands)


@dataclass
class Scene:
    """Two accounts, and three queued commands; the second one cannot be paid."""

    payer: Account
    payee: Account
    ids: list[UUID]

    def statuses(self) -> list[str]:
        stored = Transaction.objects.in_bulk(self.ids)
        return [stored[pk].status for pk in self.ids]

    def balances(self) -> tuple[Decimal, Decimal]:
        stored = Account.objects.in_bulk([self.payer.pk, self.payee.pk])
        return stored[self.payer.pk].balance, stored[self.payee.pk].balance


@pytest.fixture
def scene() -> Scene:
    payer, payee = make_account(balance=100), make_account(balance=50)
    commands = [
        Transfer(account_id=payer.id, target_account_id=payee.id, amount=Decimal("30.25")),
        Withdraw(account_id=payee.id, amount=Decimal(500)),
        Deposit(account_id=payer.id, amount=Decimal("7.50")),
    ]
    rows = accept(commands, ORIGIN)
    return Scene(payer, payee, [row.id for row in rows])


DONE_STATUSES = ["COMPLETED", "FAILED", "COMPLETED"]
BALANCES_BEFORE = (Decimal(100), Decimal(50))
BALANCES_AFTER = (Decimal("77.25"), Decimal("80.25"))


def events_of(pk: UUID) -> list[str]:
    return list(
        TransactionEvent.objects.filter(transaction_id=pk)
        .order_by("id")
        .values_list("event", flat=True)
    )


def recover() -> None:
    """Does what any other worker does once the lost worker's lease has expired."""
    time.sleep(LEASE_SECONDS)
    Worker(once=True).run()


def prove() -> None:
    report = verify()
    assert report.ok, "\n".join(report.lines())
    customers, cash, all_postings = totals()
    assert (customers + cash, all_postings) == (0, 0)


def die(workers: Workers, failpoints: str) -> None:
    worker = workers.start("--once", failpoints=failpoints, lease_seconds=LEASE_SECONDS)
    assert worker.exit_code() == -signal.SIGKILL, worker.log.read_text()


@pytest.mark.parametrize("point", WORKER_POINTS)
def test_a_worker_killed_in_its_claim_does_everything_once(
    queue_workers: Workers, scene: Scene, tally: Tally, point: str
) -> None:
    left = WORKER_POINTS[point]
    die(queue_workers, f"{point}=kill")
    assert scene.statuses() == (DONE_STATUSES if left == DONE else [left] * 3)
    assert scene.balances() == (BALANCES_AFTER if left == DONE else BALANCES_BEFORE)
    recover()
    assert scene.statuses() == DONE_STATUSES
    assert scene.balances() == BALANCES_AFTER
    before = ["STARTED", "LEASE_LOST"] if left == HELD else []
    for pk, outcome in zip(scene.ids, DONE_STATUSES, strict=True):
        assert events_of(pk) == [*before, "STARTED", outcome]
    prove()
    tally.add("kills at a failpoint")
    tally.add("leases recovered", 3 if left == HELD else 0)


@pytest.mark.parametrize("point", FAIL_POINTS)
def test_a_worker_killed_while_it_fails_a_command_harms_no_neighbour(
    queue_workers: Workers, scene: Scene, tally: Tally, point: str
) -> None:
    """First the whole claim meets an error, then its first command alone."""
    left = FAIL_POINTS[point]
    die(queue_workers, f"post.rows_locked=raise,post.accounts_locked=raise,{point}=kill")
    assert scene.statuses() == [left, HELD, HELD]
    recover()
    first = "FAILED" if left == "FAILED" else "COMPLETED"
    assert scene.statuses() == [first, *DONE_STATUSES[1:]]
    failed = Transaction.objects.get(pk=scene.ids[0])
    assert failed.failure_code == ("processing_error" if left == "FAILED" else "")
    for pk, outcome in zip(scene.ids[1:], DONE_STATUSES[1:], strict=True):
        assert events_of(pk) == ["STARTED", "LEASE_LOST", "STARTED", outcome]
    prove()
    tally.add("kills at a failpoint")


@pytest.mark.parametrize("point", GIVE_BACK_POINTS)
def test_a_worker_killed_while_it_takes_back_a_lost_lease_loses_nothing(
    queue_workers: Workers, scene: Scene, tally: Tally, point: str
) -> None:
    die(queue_workers, "claim.committed=kill")
    time.sleep(LEASE_SECONDS)
    die(queue_workers, f"{point}=kill")
    assert scene.statuses() == [GIVE_BACK_POINTS[point]] * 3
    recover()
    assert scene.statuses() == DONE_STATUSES
    assert scene.balances() == BALANCES_AFTER
    for pk, outcome in zip(scene.ids, DONE_STATUSES, strict=True):
        assert events_of(pk) == ["STARTED", "LEASE_LOST", "STARTED", outcome]
    prove()
    tally.add("kills at a failpoint", 2)


def post(
    web: WebServer, token: str, account: Account, body: Any, key: str, *, queued: bool
) -> tuple[int, Any, bool]:
    """Sends one request; returns status, body and whether it is a replay. Raises OSError."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
    if queued:
        headers["Prefer"] = "respond-async"
    url = f"http://127.0.0.1:{web.port}/api/v1/accounts/{account.id}/transfer/"
    answer = ask("POST", url, body, headers)
    return answer.status, answer.body, answer.replayed


@pytest.mark.parametrize("point", [*ACCEPT_POINTS, *PROCESS_POINTS])
def test_a_web_worker_killed_before_its_answer_is_settled_by_a_retry_with_the_key(
    web: WebServer, tally: Tally, point: str
) -> None:
    queued = point in ACCEPT_POINTS
    is_stored = (ACCEPT_POINTS | PROCESS_POINTS)[point]
    payer, payee, token, key = (
        make_account(balance=100),
        make_account(),
        supervisor_token(),
        uuid4(),
    )
    body = {"target_account_id": str(payee.id), "amount": "30.25"}

    def send() -> tuple[int, Any, bool]:
        return post(web, token, payer, body, str(key), queued=queued)

    web.fuse(point)
    with pytest.raises(http.client.RemoteDisconnected):
        send()
    assert web.has_blown(point)
    assert Transaction.objects.filter(idempotency_key=key).count() == (1 if is_stored else 0)
    status, answer, replayed = send()
    assert (status, replayed) == (202 if queued else 200, is_stored)
    stored = Transaction.objects.get(idempotency_key=key)
    assert answer["transaction_id"] == str(stored.id)
    Worker(once=True).run()
    stored.refresh_from_db()
    assert stored.status == "COMPLETED"
    assert send()[::2] == (200, True)
    balances = [Account.objects.get(pk=account.pk).balance for account in (payer, payee)]
    assert balances == [Decimal("69.75"), Decimal("30.25")]
    prove()
    tally.add("kills at a failpoint")
    tally.add("unknown outcomes settled by key")


@pytest.mark.parametrize("point", LIST_POINTS)
def test_a_web_worker_killed_within_a_list_leaves_nothing_of_it(
    web: WebServer, tally: Tally, point: str
) -> None:
    payer, payee = make_account(balance=100), make_account()
    headers = {"Authorization": f"Bearer {supervisor_token()}", "Idempotency-Key": str(uuid4())}
    item = {"type": "TRANSFER", "account_id": str(payer.id), "target_account_id": str(payee.id)}
    body = {"atomic": False, "transactions": [item | {"amount": amount} for amount in ("7", "8")]}
    url = f"http://127.0.0.1:{web.port}/api/v1/transactions/batch/"
    web.fuse(point)
    with pytest.raises(http.client.RemoteDisconnected):
        ask("POST", url, body, headers)
    assert web.has_blown(point)
    assert not Transaction.objects.filter(type="TRANSFER").exists()
    answers = [ask("POST", url, body, headers) for _ in range(2)]
    assert [(answer.status, answer.replayed) for answer in answers] == [(200, False), (200, True)]
    balances = [Account.objects.get(pk=account.pk).balance for account in (payer, payee)]
    assert balances == [85, 15]
    prove()
    tally.add("kills at a failpoint")


@pytest.mark.parametrize("point", GATHER_POINTS)
def test_a_web_worker_killed_with_a_group_loses_and_doubles_nothing(
    web: WebServer, tally: Tally, point: str
) -> None:
    payer, payee, token = make_account(balance=100_000), make_account(), supervisor_token()
    body = {"target_account_id": str(payee.id), "amount": "1.25"}

    def send(key: str) -> str | None:
        """The id of the transaction; None if the connection broke off."""
        try:
            status, answer, _ = post(web, token, payer, body, key, queued=False)
        except (OSError, http.client.HTTPException):
            return None
        assert status == 200, answer
        return str(answer["transaction_id"])

    promised: dict[str, str | None] = {}
    web.fuse(point)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not web.has_blown(point):
        assert time.monotonic() < deadline, "Nothing was gathered."
        keys = [str(uuid4()) for _ in range(CROWD)]
        promised |= zip(keys, at_once([partial(send, key) for key in keys]), strict=True)
    lost = [key for key, answer in promised.items() if answer is None]
    assert len(lost) >= 2
    stored = Transaction.objects.filter(idempotency_key__in=lost).count()
    assert stored >= 2 if GATHER_POINTS[point] else stored < len(lost)
    for key, answer in promised.items():
        (again,) = {send(key), send(key)}
        assert again is not None
        assert answer in (again, None)
    assert Transaction.objects.filter(type="TRANSFER").count() == len(promised)
    moved = len(promised) * Decimal("1.25")
    balances = [Account.objects.get(pk=account.pk).balance for account in (payer, payee)]
    assert balances == [100_000 - moved, moved]
    prove()
    tally.add("kills at a failpoint")
    tally.add("unknown outcomes settled by key", len(lost))
