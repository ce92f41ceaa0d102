"""Two people, or two workers, at the same file at once."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Account
from core.errors import BankError, InvalidInput
from desk import decisions
from desk.models import DeskFile
from desk.tests.files import Desk, origin_of_user, transfers
from desk.working import FilePoster
from tests.api import make_user
from tests.concurrency.crowd import at_once
from tests.factories import make_account
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)


def told(job: Callable[[], Any]) -> Callable[[], str]:
    """What a job says in the end: the code of its error, or nothing."""

    def run() -> str:
        try:
            job()
        except BankError as error:
            return error.errors[0].code if isinstance(error, InvalidInput) else error.code
        return ""

    return run


def test_one_of_two_wins(desk: Desk) -> None:
    payer, payee = make_account(balance=100), make_account()
    content = transfers(payer, payee, *["1"] * 6)
    other = origin_of_user(make_user("olive", role="supervisor"))
    uploads = at_once([told(lambda: desk.upload(content))] * 2)
    assert sorted(uploads) == ["", "uploaded_before"]
    file = DeskFile.objects.get()
    checks = [
        told(lambda: decisions.approve(file.pk, desk.checker)),
        told(lambda: decisions.reject(file.pk, other, "No")),
        told(lambda: decisions.approve(file.pk, other)),
    ]
    answers = at_once(checks)
    assert sorted(answers) == ["", "invalid_transition", "invalid_transition"]
    file.refresh_from_db()
    assert file.status == ("REJECTED" if answers[1] == "" else "APPROVED")
    if file.status == "REJECTED":
        file = decisions.approve(desk.upload(content).pk, other)
    at_once([FilePoster()._run, FilePoster()._run])
    FilePoster().work()
    file.refresh_from_db()
    assert (file.status, file.completed, file.replayed) == ("POSTED", 6, 0)
    asked = [told(lambda: decisions.ask_for_reversal(file.pk, other, "Wrong"))] * 2
    assert sorted(at_once(asked)) == ["", "invalid_transition"]
    at_once([FilePoster()._run, FilePoster()._run])
    FilePoster().work()
    assert Account.objects.get(pk=payer.pk).balance == 100
    assert Transaction.objects.filter(reverses__isnull=False).count() == 6
