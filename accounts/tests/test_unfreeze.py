import pytest

from accounts.commands import CloseAccount, FreezeAccount, UnfreezeAccount
from accounts.states import FreezeScope, ShownStatus
from core.errors import AccountClosed, InvalidTransition
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("scope", "blocks"),
    [
        (FreezeScope.DEBITS, (True, False)),
        (FreezeScope.CREDITS, (False, True)),
        (FreezeScope.ALL, (True, True)),
    ],
)
def test_all_blocks_are_lifted(scope: FreezeScope, blocks: tuple[bool, bool]) -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id, scope=scope))
    run(UnfreezeAccount(account_id=account.id, reason="order lifted"))
    account.refresh_from_db()
    assert (account.debits_blocked, account.credits_blocked) == (False, False)
    assert account.shown_status == ShownStatus.ACTIVE
    event = account.events.get(event="UNFROZEN")
    assert event.before == {"debits_blocked": blocks[0], "credits_blocked": blocks[1]}
    assert event.after == {"debits_blocked": False, "credits_blocked": False}
    assert event.reason == "order lifted"


def test_an_account_without_blocks_cannot_be_unfrozen() -> None:
    account = make_account()
    with nothing_changes(), pytest.raises(InvalidTransition, match="is not frozen"):
        run(UnfreezeAccount(account_id=account.id))


def test_a_closed_account_cannot_be_unfrozen() -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id))
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        run(UnfreezeAccount(account_id=account.id))
