"""Rare cases that a careless change could break unnoticed."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.api import API, account_path, client_of, make_user
from tests.factories import deposit, make_account, run
from transactions.archive.runs import archive
from transactions.commands import Reverse, Transfer
from transactions.models import Transaction
from transactions.queue.acceptance import accept
from transactions.tests.archiving import EVERYTHING, ORIGIN, make_bank


@pytest.fixture
def archive_file(settings: Any, tmp_path: Path) -> Path:
    """The path of this test's archive, which does not exist yet."""
    settings.DATA_DIR = tmp_path
    return tmp_path / "archived_transactions.csv"


@pytest.mark.django_db(transaction=True)
def test_an_export_through_a_link_leaves_the_live_archive_alone(archive_file: Path) -> None:
    """The folder is the bank's own, whatever path leads to it."""
    make_bank()
    archive(EVERYTHING, origin=ORIGIN)
    before, inode = archive_file.read_bytes(), archive_file.stat().st_ino
    link = archive_file.parent / "link"
    link.symlink_to(archive_file.parent, target_is_directory=True)
    call_command("export_data", dir=link, stdout=StringIO())
    assert (archive_file.read_bytes(), archive_file.stat().st_ino) == (before, inode)
    with pytest.raises(CommandError, match="The live archive is never written over"):
        call_command("export_data", dir=link, tables=["archived_transactions"], stdout=StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("currency", "amount"), [("KWD", "1.234"), ("BHD", "0.001"), ("CLF", "0.0001"), ("JPY", "7")]
)
def test_a_reversal_moves_every_digit_of_the_currency(currency: str, amount: str) -> None:
    source, target = (make_account(balance=20, currency=currency) for _ in range(2))
    sent = run(Transfer(account_id=source.id, target_account_id=target.id, amount=Decimal(amount)))
    undone = run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    assert Transaction.objects.get(pk=undone.id).amount == Decimal(amount)
    for account in (source, target):
        account.refresh_from_db()
        assert account.balance == 20


@pytest.mark.django_db
def test_owners_learn_of_a_reversal_when_it_is_done() -> None:
    owner = make_user("ada")
    account = make_account(owner_id=owner.pk)
    paid = deposit(account, 7)
    (waiting,) = accept([Reverse(transaction_id=paid.id, reason="Secret")], ORIGIN)
    client = client_of(owner)
    for path in (f"{API}transactions/", account_path(account, "transactions")):
        ids = [row["transaction_id"] for row in client.get(path).json()["results"]]
        assert ids == [str(paid.id)]
    assert client.get(f"{API}transactions/{waiting.id}/").status_code == 404
