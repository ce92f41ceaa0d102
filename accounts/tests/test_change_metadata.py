import pytest

from accounts.commands import ChangeMetadata, CloseAccount
from core.errors import AccountClosed
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


def test_metadata_is_replaced_as_a_whole() -> None:
    account = make_account(metadata={"branch": "North", "tier": "1"})
    run(ChangeMetadata(account_id=account.id, metadata={"branch": "South"}))
    account.refresh_from_db()
    assert account.metadata == {"branch": "South"}
    event = account.events.get(event="METADATA_CHANGED")
    assert event.before == {"metadata": {"branch": "North", "tier": "1"}}
    assert event.after == {"metadata": {"branch": "South"}}


def test_a_closed_account_keeps_its_metadata() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        run(ChangeMetadata(account_id=account.id, metadata={"branch": "South"}))
