"""The functions that put rows into words say what the serializers describe."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account
from core.commands import Origin
from core.json_bytes import json_bytes
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
from transactions.reads.rows import EntryRow, EventRow, TransactionRow
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


def as_sent(words: Any) -> Any:
    """The words as a client reads them."""
    return json.loads(json_bytes(words))


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
        assert as_sent(detail["events"]) == TransactionEventSerializer(events, many=True).data
        entries = Entry.objects.filter(transaction=row.id).order_by("side")
        assert as_sent(detail["entries"]) == EntrySerializer(entries, many=True).data
    assert any(transaction_detail(auditor, row.id).events for row in history)
    balance = represent_balance(balance_report(account, None))
    assert as_sent(balance) == BalanceSerializer(balance_report(account, None)).data


def test_a_ledger_line_is_told_as_described(account: Account) -> None:
    rows = page_of_entries(account, **FIRST_PAGE)
    entries = Entry.objects.filter(account=account).order_by("-sequence")
    sent = as_sent([represent_entry(row) for row in rows])
    assert sent == EntrySerializer(entries, many=True).data
    assert members(represent_entry(rows[0])) == EntrySerializer.Meta.fields
    assert list(TransactionEventSerializer().fields) == list(
        represent_event(_some_event(account.id))
    )


def _some_event(account_id: UUID) -> Any:
    failed = Transaction.objects.filter(debit_account=account_id, status="FAILED").get()
    detail = transaction_detail(make_user("auditor", role="auditor"), failed.pk)
    return detail.events[0]


ONE, OTHER = UUID("0194c1e0-0000-7000-8000-00000000000a"), UUID(int=1)
# The encoder would drop the fraction of the first two, and keep the offset of the last.
WHOLE = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
TENTH = datetime(2026, 1, 31, 9, 30, 0, 100000, tzinfo=UTC)
EASTERN = datetime(2026, 1, 31, 11, 30, 0, 5, tzinfo=timezone(timedelta(hours=2)))


def test_every_byte_of_a_transaction_is_as_ever() -> None:
    row = TransactionRow(
        id=ONE,
        type="TRANSFER",
        status="FAILED",
        debit_account_id=ONE,
        credit_account_id=OTHER,
        amount=50000,
        currency="USD",
        debit_balance_after=-700,
        credit_balance_after=12_345_600,
        description="Caf\u00e9",
        failure_code="insufficient_funds",
        failure_detail="Too little.",
        retry_count=2,
        approval_required=True,
        scheduled_for=TENTH,
        reverses_id=OTHER,
        effective_at=EASTERN,
        created_at=WHOLE,
        updated_at=TENTH,
        completed_at=None,
        archived_at=None,
        batch_id=None,
    )
    common = (
        '"transaction_id":"0194c1e0-0000-7000-8000-00000000000a","type":"TRANSFER",'
        '"status":"FAILED","account_id":"0194c1e0-0000-7000-8000-00000000000a",'
        '"target_account_id":"00000000-0000-0000-0000-000000000001","amount":"5.00",'
        '"currency":"USD","balance_after":"%s","description":"Caf\u00e9",'
        '"failure":{"code":"insufficient_funds","detail":"Too little.","retryable":true},'
        '"retry_count":2,"approval_required":true,"scheduled_for":"2026-01-31T09:30:00.100000Z",'
        '"reverses":"00000000-0000-0000-0000-000000000001",'
        '"effective_at":"2026-01-31T09:30:00.000005Z",'
        '"created_at":"2026-01-31T09:30:00.000000Z","updated_at":"2026-01-31T09:30:00.100000Z",'
        '"completed_at":null'
    )
    for own, balance in ((None, "-0.07"), ([ONE], "-0.07"), ([OTHER], "1234.56")):
        assert json_bytes(represent(row, own=own)).decode() == f"{{{common % balance}}}"
    for account_id, balance, side in ((ONE, "-0.07", "debit"), (OTHER, "1234.56", "credit")):
        words = represent_in_history(row, account_id=account_id, tells_reasons=False)
        sent = f'{{{common % balance},"direction":"{side}"}}'
        assert json_bytes(words).decode() == sent


def test_every_byte_of_lines_events_and_balances_is_as_ever() -> None:
    entry = EntryRow(ONE, OTHER, "CREDIT", 7, 10_000, None, "JPY", WHOLE, TENTH)
    assert json_bytes(represent_entry(entry)) == (
        b'{"transaction_id":"0194c1e0-0000-7000-8000-00000000000a",'
        b'"account_id":"00000000-0000-0000-0000-000000000001","side":"CREDIT","sequence":7,'
        b'"amount":"1","balance_after":null,"currency":"JPY",'
        b'"posted_at":"2026-01-31T09:30:00.000000Z","effective_at":"2026-01-31T09:30:00.100000Z"}'
    )
    event = EventRow("RETRIED", "FAILED", "PENDING", 1, "ada", "user:1", "", {"a": 1}, EASTERN)
    assert json_bytes(represent_event(event)) == (
        b'{"event":"RETRIED","from_status":"FAILED","to_status":"PENDING","attempt":1,'
        b'"actor":"ada","caller":"user:1","reason":"","detail":{"a":1},'
        b'"at":"2026-01-31T09:30:00.000005Z"}'
    )
    report = {"account_id": ONE, "currency": "BHD", "balance": Decimal("-1.5"), "at": WHOLE}
    assert json_bytes(represent_balance(report | {"available_balance": None})) == (
        b'{"account_id":"0194c1e0-0000-7000-8000-00000000000a","currency":"BHD",'
        b'"balance":"-1.500","available_balance":null,"at":"2026-01-31T09:30:00.000000Z"}'
    )
