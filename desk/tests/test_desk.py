"""The walk of a file: uploaded, tried, approved, posted in pieces, reversed. And what stops it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from accounts.commands import CloseAccount, FreezeAccount
from accounts.models import Account
from core import failpoints
from core.errors import InvalidInput, InvalidTransition, NotFound, SelfApproval, SelfDealing
from core.failpoints import FailpointReached
from core.identifiers import uuid7
from desk import decisions
from desk.contents import rows_of
from desk.models import DeskFile
from desk.tests.files import HEADER, Desk, transfers, worked
from desk.working import FilePoster, work_on
from tests.api import make_user
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Reverse, Withdraw
from transactions.models import Transaction
from transactions.verifier import verify

pytestmark = pytest.mark.django_db(transaction=True)


def balance(account: Account) -> Decimal | None:
    return Account.objects.get(pk=account.pk).balance


def statuses(file: DeskFile) -> list[str]:
    return [row.status for row in rows_of(file)]


def sentences(refusal: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [error.detail for error in refusal.value.errors]


def test_a_file_is_tried_approved_posted_and_reversed_once(desk: Desk) -> None:
    payer, payee = make_account(balance=100), make_account()
    content = transfers(payer, payee, "10", "20", "90", "30")
    file = desk.upload(content)
    assert (balance(payer), file.status, file.rows, file.piece) == (100, "WAITING", 4, 2)
    assert file.expected == {
        "completed": 3,
        "failed": 1,
        "pending": 0,
        "replayed": 0,
        "sums": {"USD": {"TRANSFER": "60.00"}},
    }
    tried = rows_of(file)
    assert [(row.line, row.balance_after, row.failure_code) for row in tried] == [
        (2, "90.00", ""),
        (3, "70.00", ""),
        (4, "", "insufficient_funds"),
        (5, "40.00", ""),
    ]
    assert {row.transaction_id for row in tried} == {""}
    with pytest.raises(InvalidInput) as known, nothing_changes():
        desk.upload(content, name="copy.csv")
    assert "uploaded before: pay.csv, by tessa on" in sentences(known)[0]
    with pytest.raises(SelfApproval), nothing_changes():
        decisions.approve(file.pk, desk.maker)
    decisions.approve(file.pk, desk.checker, "Payroll")
    for decide in (decisions.approve, decisions.reject):
        with pytest.raises(InvalidTransition), nothing_changes():
            decide(file.pk, desk.checker, "Again")
    with pytest.raises(InvalidTransition), nothing_changes():
        decisions.ask_for_reversal(file.pk, desk.checker, "Early")
    FilePoster().work()
    file.refresh_from_db()
    assert (file.status, file.done, file.completed, file.failed) == ("POSTED", 4, 3, 1)
    assert (balance(payer), balance(payee)) == (40, 60)
    rows = rows_of(file)
    assert [row.status for row in rows] == ["COMPLETED", "COMPLETED", "FAILED", "COMPLETED"]
    stored = {str(row.pk): row for row in Transaction.objects.filter(batch__isnull=False)}
    assert {row.transaction_id for row in rows} == set(stored)
    made = {(row.created_by_id, row.address) for row in stored.values()}
    assert made == {(desk.maker.user_id, "192.0.2.8")}
    run(Reverse(transaction_id=rows[0].transaction_id, reason="By itself"))
    decisions.ask_for_reversal(file.pk, desk.checker, "Wrong month")
    with pytest.raises(InvalidTransition), nothing_changes():
        decisions.ask_for_reversal(file.pk, desk.checker, "Twice")
    reversed_ = worked(file)
    assert (reversed_.status, reversed_.problem) == ("REVERSED", "")
    assert (balance(payer), balance(payee)) == (100, 0)
    assert [bool(row.reversed_by) for row in rows_of(reversed_)] == [True, True, False, True]
    with pytest.raises(InvalidTransition), nothing_changes():
        decisions.ask_for_reversal(file.pk, desk.checker, "Again")
    with pytest.raises(InvalidInput):
        desk.upload(content)
    assert verify().ok


def test_all_or_nothing(desk: Desk) -> None:
    """A refusal stops the whole file, and a reversal that cannot be done changes nothing."""
    payer, payee = make_account(balance=100), make_account()
    stopped = desk.posted(transfers(payer, payee, "10", "20", "90"), atomic=True)
    assert (stopped.status, stopped.done, balance(payer)) == ("STOPPED", 0, 100)
    assert stopped.problem == "Line 4: Insufficient funds: 70.00 USD available, 90.00 USD needed."
    with pytest.raises(InvalidTransition, match="posted nothing"):
        decisions.ask_for_reversal(stopped.pk, desk.checker, "Nothing")
    posted = desk.posted(transfers(payer, payee, "10", "20", "30"), atomic=True)
    assert (posted.status, balance(payee)) == ("POSTED", 60)
    spent = run(Withdraw(account_id=payee.id, amount=Decimal(25)))
    asked = decisions.ask_for_reversal(posted.pk, desk.checker, "Wrong")
    refused = worked(asked)
    assert (refused.status, balance(payer), balance(payee)) == ("POSTED", 40, 35)
    assert refused.problem.startswith("Nothing was reversed. Line 3: Insufficient funds")
    run(Reverse(transaction_id=spent.id, reason="Back"))
    asked = decisions.ask_for_reversal(posted.pk, desk.checker, "Now")
    assert worked(asked).status == "REVERSED"
    assert (balance(payer), balance(payee)) == (100, 0)
    assert verify().ok


@pytest.mark.parametrize("point", ["post_batch.committed", "desk.recorded", "process.written"])
@pytest.mark.parametrize("atomic", [False, True])
def test_an_interrupted_file_goes_on_and_posts_nothing_twice(
    desk: Desk, point: str, atomic: bool
) -> None:
    """tests/crash/test_desk.py kills real workers."""
    payer, payee = make_account(balance=100), make_account()
    file = desk.approved(transfers(payer, payee, *["1"] * 5), atomic=atomic)
    failpoints.arm(f"{point}=raise")
    with pytest.raises(FailpointReached):
        raise_through(file)
    done = worked(file)
    assert (done.status, done.done, done.completed, done.replayed) == ("POSTED", 5, 5, 0)
    assert (balance(payer), len({row.transaction_id for row in rows_of(done)})) == (95, 5)
    decisions.ask_for_reversal(file.pk, desk.checker, "Wrong")
    failpoints.arm("desk.reversed=raise")
    with pytest.raises(FailpointReached):
        raise_through(file)
    assert worked(file).status == "REVERSED"
    assert balance(payer) == 100


def raise_through(file: DeskFile) -> None:
    """As `work_on` in a process that dies: the desk hears nothing of the failpoint."""
    from desk import working

    found = DeskFile.objects.get(pk=file.pk)
    work = working._post if found.status == "APPROVED" else working._reverse
    work(found, lambda: False)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (HEADER, "The file has no transactions."),
        ("kind,account_id\n", "Line 1: The header has no type, amount. There is no column 'kind'."),
        (HEADER + "DEPOSIT,{id},,1,\xff,\n", "Line 2: Not UTF-8: "),
        (HEADER + "DEPOSIT,{id},,1.001,,\n", "Line 2: amount: An amount in USD"),
        (HEADER + "DEPOSIT,{id},,1,,k\nDEPOSIT,{id},,2,,k\n", "Line 3: idempotency_key: An earl"),
        (HEADER + "DEPOSIT,{id},,1,,taken\n", "Line 2: This key was used for another request"),
        (b"x" * (4 * 1024 * 1024 + 1), "The file is larger than 4 MiB, which is the most."),
        (HEADER + "DEPOSIT,{own},,1,,\n", "Line 2: "),
    ],
)
def test_a_bad_file_is_not_taken(desk: Desk, content: Any, sentence: str) -> None:
    from django.contrib.auth import get_user_model

    account = make_account()
    own = make_account(owner_id=get_user_model().objects.get(username="tessa").pk)
    first = replace(desk.maker, caller="job:post_batch")
    from transactions.commands import Deposit

    taken = Deposit(
        account_id=account.id,
        amount=Decimal(9),
        idempotency_key="taken",
        request_fingerprint="other",
    )
    run(taken, first)
    if isinstance(content, str):
        content = content.replace("{id}", str(account.id)).replace("{own}", str(own.id))
        content = content.encode("latin-1")
    with pytest.raises(InvalidInput) as refused, nothing_changes():
        desk.upload(content)
    assert sentences(refused)[0].startswith(sentence)


def test_names_and_lengths(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    account = make_account()
    content = (HEADER + f"DEPOSIT,{account.id},,1,,\n" * 3).encode()
    for name in ("pay.xlsx", "../pay.csv", "p" * 300 + ".csv", "a\nb.csv"):
        with pytest.raises(InvalidInput) as refused, nothing_changes():
            desk.upload(content, name=name)
        assert refused.value.errors[0].pointer == "/name"
    monkeypatch.setattr("desk.uploads.MAX_ITEMS", 2)
    with pytest.raises(InvalidInput) as long, nothing_changes():
        desk.upload(content)
    assert sentences(long) == ["The file has 3 movements, and 2 are the most."]


def test_a_rejected_file_may_come_again_and_its_maker_may_withdraw_it(desk: Desk) -> None:
    account = make_account()
    content = (HEADER + f"DEPOSIT,{account.id},,1,,\n").encode()
    first = decisions.reject(desk.upload(content).pk, desk.maker, "Too early")
    assert (first.status, first.decided_by_id) == ("REJECTED", desk.maker.user_id)
    assert statuses(first) == ["COMPLETED"]
    assert decisions.reject(desk.upload(content).pk, desk.checker, "No").status == "REJECTED"
    assert desk.posted(content).status == "POSTED"
    with pytest.raises(NotFound):
        decisions.approve(uuid7(first.uploaded_at), desk.checker)


def test_the_checker_owns_no_account_of_the_file(desk: Desk) -> None:
    account = make_account(owner_id=desk.checker.user_id)
    file = desk.upload((HEADER + f"DEPOSIT,{account.id},,1,,\n").encode())
    with pytest.raises(SelfDealing), nothing_changes():
        decisions.approve(file.pk, desk.checker)


def test_what_needs_a_second_person_by_itself_waits(desk: Desk, settings: Any) -> None:
    """The file's checker has seen the file; a large amount is decided by itself."""
    payer, payee = make_account(balance=100), make_account()
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(50)}
    file = desk.posted(transfers(payer, payee, "10", "50"))
    assert (file.completed, file.pending, balance(payer)) == (1, 1, 90)
    asked = decisions.ask_for_reversal(file.pk, desk.checker, "Wrong")
    refused = worked(asked)
    assert refused.status == "POSTED"
    assert "Some of its transactions still wait" in refused.problem


def test_the_command_and_the_desk_post_a_file_once(desk: Desk, tmp_path: Any) -> None:
    payer, payee = make_account(balance=100), make_account()
    path = tmp_path / "pay.csv"
    content = transfers(payer, payee, "1", "2", "3")
    path.write_bytes(content)
    file = desk.approved(content)
    call_command("post_batch", str(path))
    done = worked(file)
    assert (done.status, done.completed, done.replayed, balance(payer)) == ("POSTED", 0, 3, 94)
    assert [row.replayed for row in rows_of(done)] == [True] * 3
    with pytest.raises(InvalidTransition, match="posted nothing"):
        decisions.ask_for_reversal(file.pk, desk.checker, "Wrong")
    again = path.with_name("other.csv")
    again.write_bytes(content + b"\n")
    call_command("post_batch", str(again))
    with pytest.raises(InvalidInput) as known:
        desk.upload(again.read_bytes())
    assert sentences(known) == ["Every movement of this file was posted before."]


def test_accounts_that_change_meanwhile_fail_their_rows(desk: Desk) -> None:
    payer, payee = make_account(balance=100), make_account()
    closed = make_account()
    content = transfers(payer, payee, "1", "2") + transfers(payer, closed, "3")[len(HEADER) :]
    file = desk.approved(content)
    run(CloseAccount(account_id=closed.id, reason="Moved"))
    run(FreezeAccount(account_id=payee.id, scope="credits", reason="Papers"))
    assert statuses(worked(file)) == ["FAILED"] * 3
    deposit(payer, 1)
    assert balance(payer) == 101


def test_a_worker_that_stops_leaves_the_rest(desk: Desk) -> None:
    payer, payee = make_account(balance=100), make_account()
    file = desk.approved(transfers(payer, payee, *["1"] * 5))
    work_on(DeskFile.objects.get(pk=file.pk), stopping=lambda: True)
    file.refresh_from_db()
    assert (file.status, file.done) == ("APPROVED", 2)
    assert make_user("other")
    assert worked(file).done == 5
