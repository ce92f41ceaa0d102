"""Workers that are killed while they post and reverse an uploaded file; and two at once."""

import signal
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account
from core.failpoints import FAILPOINTS
from desk.contents import rows_of
from desk.decisions import ask_for_reversal
from desk.models import DeskFile
from desk.tests.files import Desk, transfers
from tests.api import make_user
from tests.concurrency.tally import Tally
from tests.crash.processes import Workers, eventually
from tests.factories import make_account
from transactions.models import Transaction
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)

# Each kills one worker; the last one of the reversal.
POINTS = ("post_batch.committed", "desk.recorded", "process.written", "desk.reversed")


def test_every_point_is_killed_below() -> None:
    own = {name for name in FAILPOINTS if name.startswith("desk.")}
    assert own == {point for point in POINTS if point.startswith("desk.")}


def test_killed_workers_lose_nothing_and_post_nothing_twice(
    queue_workers: Workers, tally: Tally, monkeypatch: Any, tmp_path: Path
) -> None:
    monkeypatch.setattr("desk.uploads.PIECE", 2)
    payer, payee = make_account(balance=100), make_account()
    desk = Desk(make_user("tessa", role="teller"), make_user("susan", role="supervisor"))
    file = desk.approved(transfers(payer, payee, *[str(n) for n in range(1, 11)]))

    def die(point: str) -> None:
        worker = queue_workers.start(failpoints=f"{point}=kill")
        assert worker.exit_code() == -signal.SIGKILL, worker.log.read_text()
        tally.add("workers killed at the desk")

    def finish(status: str) -> None:
        """Two workers at once; one of them has the desk."""
        last = [queue_workers.start(), queue_workers.start()]
        eventually(lambda: DeskFile.objects.filter(pk=file.pk, status=status).exists(), seconds=60)
        for worker in last:
            worker.kill()

    for point in POINTS[:3]:
        die(point)
    finish("POSTED")
    file.refresh_from_db()
    assert (file.done, file.completed, file.replayed) == (10, 10, 0)
    posted = Transaction.objects.filter(batch__isnull=False)
    assert [row.transaction_id for row in rows_of(file)] == [
        str(pk) for pk in posted.order_by("id").values_list("pk", flat=True)
    ]
    assert Account.objects.get(pk=payer.pk).balance == 45
    ask_for_reversal(file.pk, desk.checker, "Wrong month")
    die(POINTS[3])
    finish("REVERSED")
    assert Account.objects.get(pk=payer.pk).balance == 100
    assert Transaction.objects.filter(reverses__isnull=False).count() == 10
    assert verify().ok
