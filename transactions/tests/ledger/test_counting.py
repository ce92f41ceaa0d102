"""The metrics count each movement once, after its COMMIT, however it came."""

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import override_settings

from accounts.models import Account
from core.commands import Origin
from core.errors import InsufficientFunds, NotFound
from core.gathering import ALONE
from tests.api import account_path, client_of, make_user, staff
from tests.factories import ORIGIN, make_account
from tests.metrics import counted_by
from transactions.batches.post import BatchRequest, post_batch
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.commands.decisions import Approve, Cancel, Reject, Retry
from transactions.ledger import counting
from transactions.ledger.groups import Asked
from transactions.ledger.processor import process, process_all_or_none, try_out
from transactions.models import Transaction
from transactions.queue import waiting
from transactions.queue.acceptance import accept
from transactions.tests import grouping
from transactions.tests.grouping import outcomes
from transactions.tests.queueing import WORKER, queue_up, work

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = override_settings(BANK_APPROVAL_THRESHOLDS={"USD": Decimal(1000)})
API_ORIGIN = Origin(caller="client:test", path="sync")
CHECKER = "checker"


def counted(run: Callable[[], Any]) -> dict[tuple[str, ...], float]:
    """Type, status, failure code and path of what `run` counts."""
    return dict(
        counted_by(run, "bank_transactions_total", "type", "status", "failure_code", "path")
    )


def deposit(account: Account, amount: str = "5", **more: Any) -> Deposit:
    return Deposit(account_id=account.id, amount=Decimal(amount), **more)


def withdrawal(account: Account, amount: str = "5", **more: Any) -> Withdraw:
    return Withdraw(account_id=account.id, amount=Decimal(amount), **more)


def test_a_list_is_counted_by_type_status_and_code() -> None:
    account, other = make_account(balance=10), make_account()
    transfer = Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal(3))
    commands = [deposit(account), deposit(account), withdrawal(account, "900"), transfer]
    assert counted(lambda: process(commands, API_ORIGIN)) == {
        ("DEPOSIT", "COMPLETED", "", "sync"): 2,
        ("WITHDRAW", "FAILED", "insufficient_funds", "sync"): 1,
        ("TRANSFER", "COMPLETED", "", "sync"): 1,
    }


def test_amounts_are_sums_in_main_units_by_currency() -> None:
    """In currencies that no other test uses: beside the largest sums a float has no cents."""
    kronor, won = make_account(balance=10, currency="SEK"), make_account(currency="KRW")
    commands = [deposit(kronor, "0.10")] * 3 + [withdrawal(kronor, "900"), deposit(won, "7")]
    added = counted_by(
        lambda: process(commands, ORIGIN), "bank_transactions_amount_total", "type", "currency"
    )
    assert {key: pytest.approx(value) for key, value in added.items()} == {
        ("DEPOSIT", "SEK"): 0.3,
        ("DEPOSIT", "KRW"): 7,
    }


def test_the_way_of_a_request_is_its_path() -> None:
    account, teller = make_account(), make_user("tessa", role="teller")
    path = account_path(account, "deposit")
    assert counted(lambda: client_of(teller).post(path, {"amount": "1"}, format="json")) == {
        ("DEPOSIT", "COMPLETED", "", "sync"): 1
    }
    assert counted(lambda: make_account(balance=1)) == {("DEPOSIT", "COMPLETED", "", "job"): 1}


def test_the_console_is_a_path() -> None:
    from django.http import HttpRequest
    from rest_framework.request import Request

    from core.api.requests import origin_of

    page = HttpRequest()
    page.user = make_user("tessa", role="teller")
    assert origin_of(page).path == "console"
    request = Request(page)
    request.user = page.user
    assert origin_of(request).path == "sync"


def test_what_is_rolled_back_or_tried_out_is_not_counted() -> None:
    account = make_account(balance=1)

    def nothing() -> None:
        try_out([deposit(account)], ORIGIN)
        with pytest.raises(NotFound):
            process([deposit(account), Deposit(account_id=uuid4(), amount=Decimal(1))], ORIGIN)
        with pytest.raises(InsufficientFunds):
            process_all_or_none([deposit(account), withdrawal(account, "90")], ORIGIN)
        request = BatchRequest(commands=[deposit(account)], atomic=False)
        post_batch(request, ORIGIN, dry_run=True)
        client = staff("teller")
        body = {"amount": "1"}
        answer = client.post(f"{account_path(account, 'deposit')}?dry_run=true", body)
        assert answer.status_code == 200

    assert counted(nothing) == {}


@pytest.mark.parametrize("atomic", [True, False])
def test_the_items_of_a_batch_are_counted(atomic: bool) -> None:
    account = make_account(balance=1)

    def post(*commands: Any) -> None:
        is_refused = atomic and len(commands) > 2
        with pytest.raises(InsufficientFunds) if is_refused else nullcontext():
            post_batch(BatchRequest(commands=commands, atomic=atomic), API_ORIGIN)

    done = {("DEPOSIT", "COMPLETED", "", "batch"): 2}
    assert counted(lambda: post(deposit(account), deposit(account))) == done
    refused = {("WITHDRAW", "FAILED", "insufficient_funds", "batch"): 1}
    both = refused if atomic else done | refused
    some = (deposit(account), deposit(account), withdrawal(account, "900"))
    assert counted(lambda: post(*some)) == both


def test_a_queued_movement_is_counted_when_accepted_and_at_its_end() -> None:
    account = make_account(balance=1)
    accepted = {("DEPOSIT", "PENDING", "", "queue"): 1, ("WITHDRAW", "PENDING", "", "queue"): 1}
    assert counted(lambda: queue_up(deposit(account), withdrawal(account, "900"))) == accepted
    assert counted(work) == {
        ("DEPOSIT", "COMPLETED", "", "queue"): 1,
        ("WITHDRAW", "FAILED", "insufficient_funds", "queue"): 1,
    }
    waits = "bank_transaction_settling_seconds_count"
    queue_up(deposit(account))
    assert counted_by(work, waits, "path") == {("queue",): 1}


def test_the_end_of_a_queued_batch_is_counted_in_the_queue() -> None:
    account = make_account()
    request = BatchRequest(commands=[deposit(account)] * 3, atomic=False)
    assert counted(lambda: post_batch(request, ORIGIN, queued=True)) == {
        ("DEPOSIT", "PENDING", "", "batch"): 3
    }
    assert counted(work) == {("DEPOSIT", "COMPLETED", "", "queue"): 3}


@LARGE
def test_decisions_count_what_they_bring_about() -> None:
    account, checker = make_account(), make_user(CHECKER, role="supervisor")
    second = Origin(user_id=checker.pk, path="console")

    def waiting_row() -> UUID:
        return process([deposit(account, "1000")], API_ORIGIN)[0].id

    assert counted(waiting_row) == {("DEPOSIT", "PENDING", "", "sync"): 1}
    for decision, status, code in (
        (Approve, "COMPLETED", ""), (Reject, "FAILED", "rejected"), (Cancel, "FAILED", "cancelled")
    ):  # fmt: skip
        command = decision(transaction_id=waiting_row(), reason="x")
        assert counted(lambda command=command: process([command], second)) == {
            ("DEPOSIT", status, code, "console"): 1
        }
    # The first one still waits.
    with override_settings(APPROVAL_EXPIRES_DAYS=-1):
        assert counted(lambda: waiting.expire_approvals(WORKER)) == {
            ("DEPOSIT", "FAILED", "approval_expired", "queue"): 1
        }


@LARGE
def test_an_approval_of_what_waits_for_its_moment_is_not_a_second_acceptance() -> None:
    from datetime import timedelta

    from django.utils import timezone

    account, checker = make_account(), make_user(CHECKER, role="supervisor")
    later = timezone.now() + timedelta(days=2)
    (row,) = accept([deposit(account, "1000", scheduled_for=later)], API_ORIGIN)
    approval = Approve(transaction_id=row.id)
    assert counted(lambda: process([approval], Origin(user_id=checker.pk))) == {}


def test_a_retry_ends_a_second_time() -> None:
    account = make_account()
    (row,) = process([withdrawal(account)], ORIGIN)
    retry = Retry(transaction_id=row.id)
    failed = {("WITHDRAW", "FAILED", "insufficient_funds", "job"): 1}
    assert counted(lambda: process([retry], ORIGIN)) == failed
    process([deposit(account)], ORIGIN)
    done = {("WITHDRAW", "COMPLETED", "", "job"): 1}
    assert counted(lambda: process([retry], ORIGIN)) == done


def test_replays_are_counted_apart() -> None:
    account = make_account()
    keyed = [deposit(account, idempotency_key="k", request_fingerprint="f")]
    process(keyed, ORIGIN)
    replays = "bank_idempotent_replays_total"
    assert counted(lambda: process(keyed, ORIGIN)) == {}
    assert counted_by(lambda: process(keyed, ORIGIN), replays, "what") == {("request",): 1}
    assert counted_by(lambda: accept(keyed, ORIGIN), replays, "what") == {("request",): 1}
    assert counted_by(lambda: try_out(keyed, ORIGIN), replays, "what") == {}
    batch = BatchRequest(commands=keyed, atomic=False, idempotency_key="b")
    assert counted_by(lambda: post_batch(batch, ORIGIN), replays, "what") == {("item",): 1}
    assert counted_by(lambda: post_batch(batch, ORIGIN), replays, "what") == {("request",): 1}


def test_a_given_up_movement_has_failed_and_a_returned_one_has_no_new_status() -> None:
    account = make_account()
    (row,) = queue_up(deposit(account))
    claim = waiting.claim("test", WORKER, batch_size=9)
    assert counted(lambda: waiting.release(claim.lease, WORKER)) == {}
    for attempt in range(waiting.MAX_ATTEMPTS):
        waiting.claim("test", WORKER, batch_size=9)
        is_last = attempt == waiting.MAX_ATTEMPTS - 1
        ended = {("DEPOSIT", "FAILED", "processing_error", "queue"): 1} if is_last else {}
        assert counted(lambda: waiting.inherit("test", WORKER)) == ended
    assert Transaction.objects.get(pk=row.id).status == "FAILED"


def test_unknown_codes_make_no_series() -> None:
    (row,) = process([withdrawal(make_account())], ORIGIN)
    row.failure_code = "made_up"
    assert counted(lambda: counting.count_rows([row], "sync")) == {
        ("WITHDRAW", "FAILED", "other", "sync"): 1
    }


def test_counts_equal_the_rows() -> None:
    before = Counter(
        counted_by(lambda: None, "bank_transactions_total", "type", "status", "currency")
    )
    assert not before
    account, euros = make_account(), make_account(currency="EUR", balance=4)

    def some_of_everything() -> None:
        for amount in range(1, 30):
            process([deposit(account, str(amount)), withdrawal(account, str(2 * amount))], ORIGIN)
            queue_up(withdrawal(euros, "1"))
        work(batch_size=7)

    rows_before = _rows()
    added = counted_by(some_of_everything, "bank_transactions_total", "type", "status", "currency")
    rows = _rows()
    rows.subtract(rows_before)
    ended = {key: value for key, value in added.items() if key[1] != "PENDING"}
    assert ended == {key: value for key, value in rows.items() if value}
    assert added[("WITHDRAW", "PENDING", "EUR")] == 29


def _rows() -> Counter[tuple[str, ...]]:
    return Counter(Transaction.objects.values_list("type", "status", "currency"))


def test_a_group_counts_each_of_its_rows_once() -> None:
    """Under the path of its own caller; errors are not counted."""
    account = make_account(balance=5)
    deposit = Deposit(account_id=account.id, amount=Decimal(1))
    refused = Withdraw(account_id=account.id, amount=Decimal(900))
    unknown = Deposit(account_id=UUID(int=5), amount=Decimal(1))
    console = Origin(caller="user:1", path="admin")
    waiting_commands = [
        Asked(deposit, API_ORIGIN),
        Asked(refused, API_ORIGIN),
        Asked(deposit, console),
        Asked(unknown, console),
    ]
    assert counted(lambda: outcomes(*waiting_commands)) == {
        ("DEPOSIT", "COMPLETED", "", "sync"): 1,
        ("WITHDRAW", "FAILED", "insufficient_funds", "sync"): 1,
        ("DEPOSIT", "COMPLETED", "", "admin"): 1,
    }


def test_each_movement_of_a_group_is_counted_with_its_caller() -> None:
    account = make_account()
    used = grouping.deposit(account, idempotency_key="k", request_fingerprint="f")
    process([used], Origin(caller="client:ann"))

    def group() -> None:
        results = grouping.outcomes(
            grouping.asked(deposit(account), path="sync"),
            grouping.asked(deposit(account), "bob", path="console"),
            grouping.asked(withdrawal(account, "900"), path="sync"),
            grouping.asked(used, path="sync"),
            grouping.asked(grouping.deposit(account, amount="0.00001"), path="sync"),
        )
        assert results[3] is ALONE  # Its own thread runs it, and counts it then.

    assert counted(group) == {
        ("DEPOSIT", "COMPLETED", "", "sync"): 1,
        ("DEPOSIT", "COMPLETED", "", "console"): 1,
        ("WITHDRAW", "FAILED", "insufficient_funds", "sync"): 1,
    }
