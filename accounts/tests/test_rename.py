import pytest

from accounts.commands import CloseAccount, RenameAccount
from core.errors import AccountClosed
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


def test_an_account_gets_another_name() -> None:
    account = make_account(name="Ada Byron", balance=7)
    result = run(RenameAccount(account_id=account.id, name="Ada Lovelace", reason="married"))
    account.refresh_from_db()
    assert account.name == result.name == "Ada Lovelace"
    assert account.balance == 7
    event = account.events.get(event="RENAMED")
    assert (event.before, event.after) == ({"name": "Ada Byron"}, {"name": "Ada Lovelace"})
    assert event.reason == "married"


def test_a_closed_account_keeps_its_name() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        run(RenameAccount(account_id=account.id, name="Grace"))
