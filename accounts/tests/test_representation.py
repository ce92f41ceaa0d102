"""The one function that represents an account agrees with the serializer."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from accounts.commands import ChangeOverdraftLimit, CloseAccount, FreezeAccount
from accounts.models import CASH, Account, internal_account_id
from accounts.representation import AccountRow, represent
from accounts.selectors import visible_account
from accounts.serializers import AccountSerializer
from core.json_bytes import json_bytes
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
        for words in (represent(row), represent(account)):
            assert list(json.loads(json_bytes(words)).items()) == list(described.items())


def test_every_byte_of_an_account_is_as_ever() -> None:
    moment = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    row = AccountRow(
        id=UUID("0194c1e0-0000-7000-8000-00000000000a"),
        number="123456789012",
        name="Zo\u00eb",
        owner=None,
        customer=UUID("0194c1e0-0000-7000-8000-00000000000c"),
        currency="CLF",
        balance=-1,
        overdraft_limit=20_000,
        held=5_000,
        status="ACTIVE",
        debits_blocked=False,
        credits_blocked=True,
        metadata={"b": "2", "a": "1"},
        created_at=moment,
        updated_at=moment.replace(microsecond=120),
        last_sequence=3,
        last_posted_at=moment,
    )
    assert json_bytes(represent(row)).decode() == (
        '{"account_id":"0194c1e0-0000-7000-8000-00000000000a","number":"123456789012",'
        '"name":"Zo\u00eb","owner":null,'
        '"customer":"0194c1e0-0000-7000-8000-00000000000c","currency":"CLF","balance":"-0.0001",'
        '"available_balance":"1.4999","overdraft_limit":"2.0000","held":"0.5000","status":"FROZEN",'
        '"debits_blocked":false,"credits_blocked":true,"metadata":{"a":"1","b":"2"},'
        '"created_at":"2026-01-31T09:30:00.000000Z","updated_at":"2026-01-31T09:30:00.000120Z"}'
    )
