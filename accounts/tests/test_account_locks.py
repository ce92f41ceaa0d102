"""Every command on one account takes the account's lock before it reads it.

Without the lock, two concurrent changes undo each other, and a limit can fall below the overdraft
in use.
"""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.commands import (
    AccountCommand,
    ChangeLimits,
    ChangeMetadata,
    ChangeOverdraftLimit,
    CloseAccount,
    ExpectAccount,
    FreezeAccount,
    GiveCustomer,
    HoldDebits,
    LimitDecision,
    MendDamage,
    ReleaseDebits,
    RenameAccount,
    ReopenAccount,
    UnfreezeAccount,
)
from accounts.commands.damage import _DamageCommand
from core.api.conditions import Precondition
from tests.factories import make_account, make_customer, run

pytestmark = pytest.mark.django_db

_CONTENT: dict[type[AccountCommand], dict[str, Any]] = {
    ChangeLimits: {"max_amount": Decimal(7), "daily_amount": None, "daily_count": None},
    ChangeMetadata: {"metadata": {"team": "blue"}},
    ChangeOverdraftLimit: {"overdraft_limit": Decimal(7)},
    CloseAccount: {},
    ExpectAccount: {"precondition": Precondition(match=frozenset({"*"}))},
    FreezeAccount: {},
    GiveCustomer: {},
    HoldDebits: {"rules": frozenset({"sum"})},
    MendDamage: {},
    ReleaseDebits: {},
    RenameAccount: {"name": "Grace"},
    ReopenAccount: {},
    UnfreezeAccount: {},
}


def _all_kinds(base: type) -> set[type]:
    """All subclasses. `slots=True` creates a second class of the same name, so each counts too."""
    return {one for kind in base.__subclasses__() for one in {kind, *_all_kinds(kind)}}


def test_the_commands_are_all_that_there_are() -> None:
    # Decisions on a limit need a request first. They inherit their locking from the base class.
    aside = _all_kinds(LimitDecision) | {LimitDecision, _DamageCommand}
    kinds = {kind.__name__ for kind in _all_kinds(AccountCommand)}
    kinds -= {kind.__name__ for kind in aside}
    assert kinds == {kind.__name__ for kind in _CONTENT}
    assert {kind for kind in _all_kinds(AccountCommand) if "account_ids" in vars(kind)} == set()


@pytest.mark.parametrize("kind", _CONTENT, ids=lambda kind: kind.__name__)
def test_the_account_is_locked_before_it_is_read(kind: type[AccountCommand]) -> None:
    account = make_account()
    if kind is UnfreezeAccount:
        run(FreezeAccount(account_id=account.id, reason="odd"))
    if kind is ReopenAccount:
        run(CloseAccount(account_id=account.id, reason="done"))
    if kind in {MendDamage, ReleaseDebits}:
        run(HoldDebits(account_id=account.id, reason="found", **_CONTENT[HoldDebits]))
    content = _CONTENT[kind]
    if kind is GiveCustomer:
        content = {"customer_id": make_customer().id}
    with CaptureQueriesContext(connection) as queries:
        run(kind(account_id=account.id, reason="asked", **content))

    first = next(each["sql"] for each in queries if "accounts_account" in each["sql"])
    lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    assert "last_posted_at" in first, "the statement reads what the lock protects"
    assert f" ORDER BY id{lock}" in first
