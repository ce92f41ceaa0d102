"""The functions that put rows into words say what the serializers describe."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account
from core.commands import Origin
from tests.api import make_user
from tests.factories import make_account, run
from transactions.api.serializers import (
    BalanceSerializer,
    DirectedTransactionSerializer,
    EntrySerializer,
    TransactionDetailSerializer,
    TransactionEventSerializer,
    TransactionSerializer,
)
from transactions.commands import Deposit, Retry, Reverse, Transfer, Withdraw
from transactions.models import Entry, Transaction, TransactionEvent
from transactions.reads.lists import TransactionList, list_for
from transactions.reads.representation import (
    represent,
    represent_balance,
    represent_detail,
    represent_entry,
    represent_event,
    represent_in_history,
)
from transactions.reads.selectors import balance_report, page_of_entries, transaction_detail
from transactions.tests.past_the_ledger import insert, queued_deposit

pytestmark = pytest.mark.django_db

FIRST_PAGE: dict[str, Any] = {"after": None, "backwards": False, "limit": 51}


@pytest.fixture
def account() -> Account:
    """With a transaction of each kind and of each end."""
    account, other = make_account(owner_id=make_user("ada").pk, balance=20), make_account()
    run(Withdraw(account_id=account.id, amount=Decimal("1.5"), description="Cash"))
    sent = run(Transfer(account_id=account.id, target_account_id=other.id, amount=Decimal(4)))
    run(Reverse(transaction_id=sent.id, reason="Sent twice"))
    refused = run(Withdraw(account_id=account.id, amount=Decimal(900)))
    clerk = make_user("clerk", role="teller")
    origin = Origin(user_id=clerk.pk, caller=f"user:{clerk.pk}")
    run(Retry(transaction_id=refused.id, reason="Once more", limit=9), origin)
    insert(queued_deposit(account))
    run(Deposit(account_id=other.id, amount=Decimal(1)))
    return Account.objects.get(pk=account.pk)


def members(words: dict[str, Any]) -> tuple[str, ...]:
    return tuple(words)


@pytest.mark.parametrize("own", [False, True])
def test_a_transaction_is_told_as_its_instance_is(account: Account, own: bool) -> None:
    user = account.owner if own else make_user("auditor", role="auditor")
    visible, shown = list_for(user, None)
    rows = visible.page(**FIRST_PAGE)
    assert len(rows) == (5 if own else 7)
    for row in rows:
        words = represent(row, own=shown)
        assert words == represent(Transaction.objects.get(pk=row.id), own=shown)
        assert members(words) == TransactionSerializer.Meta.fields


def test_each_kind_has_the_members_that_are_described(account: Account) -> None:
    auditor = make_user("auditor", role="auditor")
    history = TransactionList(owner_id=None, account_ids=(account.id,)).page(**FIRST_PAGE)
    assert {row.status for row in history} == {"COMPLETED", "FAILED", "PENDING"}
    for row in history:
        words = represent_in_history(row, account_id=account.id, tells_reasons=True)
        assert members(words) == DirectedTransactionSerializer.Meta.fields
        detail = represent_detail(transaction_detail(auditor, row.id))
        assert members(detail) == TransactionDetailSerializer.Meta.fields
        events = TransactionEvent.objects.filter(transaction=row.id).order_by("id")
        assert detail["events"] == TransactionEventSerializer(events, many=True).data
        entries = Entry.objects.filter(transaction=row.id).order_by("side")
        assert detail["entries"] == EntrySerializer(entries, many=True).data
    assert any(transaction_detail(auditor, row.id).events for row in history)
    balance = represent_balance(balance_report(account, None))
    assert balance == BalanceSerializer(balance_report(account, None)).data


def test_a_ledger_line_is_told_as_described(account: Account) -> None:
    rows = page_of_entries(account, **FIRST_PAGE)
    entries = Entry.objects.filter(account=account).order_by("-sequence")
    assert [represent_entry(row) for row in rows] == EntrySerializer(entries, many=True).data
    assert members(represent_entry(rows[0])) == EntrySerializer.Meta.fields
    assert list(TransactionEventSerializer().fields) == list(
        represent_event(_some_event(account.id))
    )


def _some_event(account_id: UUID) -> Any:
    failed = Transaction.objects.filter(debit_account=account_id, status="FAILED").get()
    detail = transaction_detail(make_user("auditor", role="auditor"), failed.pk)
    return detail.events[0]
