"""A bank whose history has every event that its files can contain."""

from decimal import Decimal
from pathlib import Path

from django.contrib.auth import get_user_model
from django.test import override_settings

from accounts.commands import CloseAccount, FreezeAccount
from accounts.states import FreezeScope
from core.commands import Origin
from tests.exports import export_of
from tests.factories import make_account, run
from transactions.archive.runs import archive
from transactions.archive.selection import Selection
from transactions.commands import Deposit, Retry, Reverse, Transfer, Withdraw
from transactions.models import Batch, Transaction
from transactions.tests.queueing import claimed, queue_up


def make_eventful_bank() -> None:
    """The test's data folder has its archive, with the first four transactions."""
    users = get_user_model().objects
    teller, ada = users.create_user("teller"), users.create_user("ada, countess")
    origin = Origin(
        user_id=teller.pk, caller=f"user:{teller.pk}", request_id="r-2", address="2001:db8::7"
    )
    keyed = {"idempotency_key": "key", "request_fingerprint": "ab" * 32}
    payer = make_account(
        balance="1000.25", owner_id=ada.pk, name='Ada, "the first"', metadata={"b": "é", "a": ""}
    )
    payee = make_account(currency="USD", balance=7, overdraft_limit=Decimal(50))
    yen = make_account(currency="JPY", balance=700)
    texts = {"description": "two\nlines, and =1+1"}
    command = Transfer(
        account_id=payer.id, target_account_id=payee.id, amount=Decimal("12.50"), **keyed, **texts
    )
    transferred = run(command, origin)
    archive(Selection(), origin=origin)
    run(Reverse(transaction_id=transferred.id, reason="A mistake"), origin)
    short = run(Withdraw(account_id=payee.id, amount=Decimal(500)), origin)
    run(Deposit(account_id=payee.id, amount=Decimal(600)), origin)
    run(Retry(transaction_id=short.id, reason="There is enough now"), origin)
    run(Withdraw(account_id=yen.id, amount=Decimal(700)), origin)
    run(CloseAccount(account_id=yen.id, reason="Gone"), origin)
    run(FreezeAccount(account_id=payer.id, reason="Lost card", scope=FreezeScope.DEBITS), origin)
    queue_up(Deposit(account_id=payee.id, amount=Decimal(3)), origin=origin)
    assert len(claimed("worker-1")) == 1
    queue_up(Deposit(account_id=payee.id, amount=Decimal(4)), origin=origin)
    Batch.objects.create(
        id=transferred.id,
        caller=origin.caller,
        idempotency_key="batch, key",
        request_fingerprint="cd" * 32,
        atomic=True,
        refused_index=3,
        created_at=transferred.created_at,
    )
    assert Transaction.objects.filter(archived_at__isnull=False).count() == 4


def exported_eventful_bank(folder: Path) -> Path:
    """The files of that bank, whose database is gone."""
    data_folder = folder / "data"
    data_folder.mkdir()
    with override_settings(DATA_DIR=data_folder):
        return export_of(make_eventful_bank, folder / "export")
