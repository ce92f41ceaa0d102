import pytest

from accounts.commands import CloseAccount, FreezeAccount
from accounts.states import FreezeScope, ShownStatus
from core.errors import AccountClosed, InvalidTransition
from tests.assertions import nothing_changes
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db

DEBITS, CREDITS, ALL = FreezeScope

# The blocks before, the scope, the blocks after; a block is (debits, credits).
STEPS = [
    ((False, False), DEBITS, (True, False)),
    ((False, False), CREDITS, (False, True)),
    ((False, False), ALL, (True, True)),
    ((True, False), CREDITS, (True, True)),
    ((True, False), ALL, (True, True)),
    ((False, True), DEBITS, (True, True)),
    ((False, True), ALL, (True, True)),
]
SCOPE_OF = {(True, False): DEBITS, (False, True): CREDITS, (True, True): ALL}
# All other combinations repeat an existing block.
REPEATED = [
    (before, scope)
    for before in SCOPE_OF
    for scope in FreezeScope
    if (before, scope) not in [step[:2] for step in STEPS]
]


@pytest.mark.parametrize(("before", "scope", "after"), STEPS)
def test_blocks_add_up(
    before: tuple[bool, bool], scope: FreezeScope, after: tuple[bool, bool]
) -> None:
    account = make_account(balance=7)
    if before in SCOPE_OF:
        run(FreezeAccount(account_id=account.id, scope=SCOPE_OF[before]))
    run(FreezeAccount(account_id=account.id, scope=scope, reason="court order"))
    account.refresh_from_db()
    assert (account.debits_blocked, account.credits_blocked) == after
    assert account.shown_status == ShownStatus.FROZEN
    assert account.status == "ACTIVE"
    assert account.balance == 7
    event = account.events.order_by("-id").first()
    assert event.event == "FROZEN"
    assert event.before == dict(zip(("debits_blocked", "credits_blocked"), before, strict=True))
    assert event.after == dict(zip(("debits_blocked", "credits_blocked"), after, strict=True))
    assert event.reason == "court order"


@pytest.mark.parametrize(("before", "scope"), REPEATED)
def test_what_is_blocked_already_is_not_blocked_again(
    before: tuple[bool, bool], scope: FreezeScope
) -> None:
    account = make_account()
    run(FreezeAccount(account_id=account.id, scope=SCOPE_OF[before]))
    with nothing_changes(), pytest.raises(InvalidTransition, match="already has these blocks"):
        run(FreezeAccount(account_id=account.id, scope=scope))


def test_both_sides_are_blocked_unless_said_otherwise() -> None:
    account = run(FreezeAccount(account_id=make_account().id))
    assert (account.debits_blocked, account.credits_blocked) == (True, True)


def test_a_closed_account_is_not_frozen() -> None:
    account = make_account()
    run(CloseAccount(account_id=account.id, reason="done"))
    with nothing_changes(), pytest.raises(AccountClosed):
        run(FreezeAccount(account_id=account.id))
