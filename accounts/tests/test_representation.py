"""The one function that represents an account agrees with the serializer."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount
from accounts.models import CASH, Account, internal_account_id
from accounts.representation import AccountRow, represent
from accounts.selectors import visible_account
from accounts.serializers import AccountSerializer
from tests.api import make_user
from tests.factories import make_account, run

pytestmark = pytest.mark.django_db


def accounts() -> Iterator[Account]:
    yield make_account(owner_id=make_user("ada").pk, balance="12.5", metadata={"b": "1", "a": "ü"})
    overdrawn = make_account(balance=3, currency="JPY")
    limit = Decimal(7)
    run(ChangeOverdraftLimit(account_id=overdrawn.id, overdraft_limit=limit, reason="Agreed"))
    run(FreezeAccount(account_id=overdrawn.id, reason="Order"))
    yield overdrawn
    closed = make_account(currency="BHD")
    run(CloseAccount(account_id=closed.id, reason="Moved"))
    yield closed
    yield Account(id=internal_account_id(CASH, "USD"))


def test_an_account_is_told_as_described() -> None:
    auditor = make_user("auditor", role="auditor")
    for made in accounts():
        account = Account.objects.get(pk=made.pk)
        row = visible_account(auditor, made.pk)
        assert row == AccountRow.of(account)
        described = AccountSerializer(account).data
        assert list(represent(row).items()) == list(described.items())
        assert represent(account) == described
