from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import CASH, Account, internal_account_id
from core.commands import Origin
from core.errors import InsufficientFunds, InvalidInput, NotFound
from core.identifiers import uuid7
from tests.assertions import BULK_INSERT, SHORT_WRITE, stored
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger import processor
from transactions.ledger.journal import JournalRow
from transactions.ledger.processor import process
from transactions.ledger.writer import stream
from transactions.models import Entry, Transaction

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_sequences_have_no_gap_and_balances_follow_from_one_another() -> None:
    one, other = make_account(overdraft_limit=Decimal(5)), make_account()
    steps: list[MoneyCommand] = [
        Deposit(account_id=one.id, amount=Decimal("10.50")),
        Transfer(account_id=one.id, target_account_id=other.id, amount=Decimal("3.25")),
        Withdraw(account_id=one.id, amount=Decimal(100)),  # refused: it takes no number
        Withdraw(account_id=one.id, amount=Decimal("12.00")),
        Transfer(account_id=other.id, target_account_id=one.id, amount=Decimal("1.75")),
        Deposit(account_id=other.id, amount=Decimal("0.01")),
    ]
    process(steps[:3], ORIGIN)
    for step in steps[3:]:
        run(step)
    assert entries(one) == [
        (1, Decimal("10.50"), Decimal("10.50")),
        (2, Decimal("-3.25"), Decimal("7.25")),
        (3, Decimal("-12.00"), Decimal("-4.75")),
        (4, Decimal("1.75"), Decimal("-3.00")),
    ]
    assert entries(other) == [
        (1, Decimal("3.25"), Decimal("3.25")),
        (2, Decimal("-1.75"), Decimal("1.50")),
        (3, Decimal("0.01"), Decimal("1.51")),
    ]
    accounts = Account.objects.filter(kind="CUSTOMER").order_by("id")
    assert list(accounts.values_list("balance", "last_sequence")) == [
        (Decimal("-3.00"), 4),
        (Decimal("1.51"), 3),
    ]


def entries(account: Account) -> list[tuple[int, Decimal, Decimal]]:
    rows = Entry.objects.filter(account=account).order_by("sequence")
    return list(rows.values_list("sequence", "amount", "balance_after"))


@pytest.mark.django_db
def test_posting_time_goes_on_while_the_clock_runs_backwards() -> None:
    account, ahead = make_account(), make_account()
    tick = timedelta(microseconds=1)
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        deposit(ahead, 50)
    moments = [NOON, NOON - timedelta(seconds=30), NOON + timedelta(microseconds=1)]
    for moment in moments:
        with time_machine.travel(moment, tick=False):
            deposit(account, 7)
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False):
        run(Transfer(account_id=ahead.id, target_account_id=account.id, amount=Decimal(20)))
        deposit(account, 3)
    assert list(
        Transaction.objects.filter(credit_account=account)
        .order_by("credit_sequence")
        .values_list("created_at", "completed_at")
    ) == [
        (NOON, NOON),
        # Later than everything before, so that a reported balance at a moment stays true.
        (NOON - timedelta(seconds=30), NOON + tick),
        (NOON + tick, NOON + 2 * tick),
        # Later than the last posting of either side; later postings do not fall behind it.
        (NOON + timedelta(minutes=5), NOON + timedelta(hours=1) + tick),
        (NOON + timedelta(minutes=5), NOON + timedelta(hours=1) + 2 * tick),
    ]
    account.refresh_from_db()
    assert account.last_posted_at == NOON + timedelta(hours=1) + 2 * tick


@pytest.mark.django_db
def test_the_results_are_the_stored_rows(django_user_model) -> None:
    user = django_user_model.objects.create_user("teller")
    account = make_account(balance=10, currency="BHD")
    results = process(
        [
            Withdraw(
                account_id=account.id, amount=Decimal("2.125"), description="Ünïcødé, 'quoted'"
            ),
            Withdraw(
                account_id=account.id,
                amount=Decimal(8),
                description='"},{\\',
                idempotency_key="k",
                request_fingerprint="a" * 64,
                scheduled_for=NOON,
            ),
            Deposit(account_id=account.id, amount=Decimal("0.001")),
        ],
        Origin(user_id=user.id, caller=f"user:{user.id}"),
    )
    assert [row.status for row in results] == ["COMPLETED", "FAILED", "COMPLETED"]
    for row in results:
        fresh = Transaction.objects.get(pk=row.id)
        answered = row.as_transaction()
        assert columns(answered) == columns(fresh)
        assert answered == fresh
        assert (answered._state.adding, answered._state.db) == (False, "default")


def columns(row: Transaction) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in Transaction._meta.fields}


@pytest.mark.django_db
def test_a_list_keeps_its_order_in_the_ids() -> None:
    account = make_account()
    rows = process([Deposit(account_id=account.id, amount=Decimal(n)) for n in range(1, 8)], ORIGIN)
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert len({row.created_at for row in rows}) == 1
    amounts = Transaction.objects.order_by("id").values_list("amount", flat=True)
    assert list(amounts) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.django_db
def test_a_long_detail_is_cut_to_its_column() -> None:
    account = make_account(balance=1)
    row = run(Withdraw(account_id=account.id, amount=Decimal(2)))
    row.fail(InsufficientFunds("x" * 501), NOON)
    assert row.failure_detail == "x" * 500


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", [1, 100])
def test_a_list_of_any_length_is_at_most_five_statements(length: int) -> None:
    accounts = [make_account(balance=100 + index) for index in range(3)]
    commands: list[MoneyCommand] = [
        Transfer(
            account_id=accounts[index % 3].id,
            target_account_id=accounts[(index + 1) % 3].id,
            amount=Decimal(1 + index % 2),
        )
        for index in range(length)
    ]
    with CaptureQueriesContext(connection) as queries:
        rows = process(commands, ORIGIN)
    assert [row.status for row in rows] == ["COMPLETED"] * length
    write = SHORT_WRITE if length == 1 else [BULK_INSERT, "UPDATE"]
    assert statements(queries) == ["BEGIN", "SELECT", *write, "COMMIT"]
    balances = Account.objects.filter(kind="CUSTOMER").order_by("id").values_list("balance")
    assert sum(balance for (balance,) in balances) == 303


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", [1, 100])
def test_what_is_refused_updates_no_account(length: int) -> None:
    account = make_account(balance=3)
    before = stored(Account)
    commands = [Withdraw(account_id=account.id, amount=Decimal(5))] * length
    with CaptureQueriesContext(connection) as queries:
        rows = process(commands, ORIGIN)
    assert [row.status for row in rows] == ["FAILED"] * length
    assert statements(queries) == ["BEGIN", "SELECT", BULK_INSERT, "COMMIT"]
    assert stored(Account) == before
    assert Transaction.objects.filter(status="FAILED").count() == length


@pytest.mark.django_db(transaction=True)
def test_bad_input_amid_a_list_writes_nothing() -> None:
    account = make_account(balance=3)
    before = stored(Account)
    commands = [
        Deposit(account_id=account.id, amount=amount) for amount in (Decimal(5), Decimal("0.001"))
    ]
    with CaptureQueriesContext(connection) as queries, pytest.raises(InvalidInput):
        process(commands, ORIGIN)
    assert statements(queries) == ["BEGIN", "SELECT", "ROLLBACK"]
    assert stored(Account) == before
    assert Transaction.objects.count() == 1
    assert run(commands[0]).status == "COMPLETED"


@pytest.mark.django_db(transaction=True)
def test_a_long_list_is_as_many_statements_and_its_bad_input_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is executed while the server inserts it."""
    monkeypatch.setattr(processor, "LONG_LIST", 3)
    account = make_account(balance=3)
    before = stored(Account)
    amounts = [Decimal(5), Decimal(7), Decimal("0.001")]
    commands = [Deposit(account_id=account.id, amount=amount) for amount in amounts]
    with CaptureQueriesContext(connection) as queries, pytest.raises(InvalidInput):
        process(commands, ORIGIN)
    begun = [BULK_INSERT] if connection.vendor == "postgresql" else []
    assert statements(queries) == ["BEGIN", "SELECT", *begun, "ROLLBACK"]
    assert (stored(Account), Transaction.objects.count()) == (before, 1)
    refused = Withdraw(account_id=account.id, amount=Decimal(99))
    with CaptureQueriesContext(connection) as queries:
        rows = process([*commands[:2], refused], ORIGIN)
    assert statements(queries) == ["BEGIN", "SELECT", BULK_INSERT, "UPDATE", "COMMIT"]
    assert [row.status for row in rows] == ["COMPLETED", "COMPLETED", "FAILED"]
    assert list(Transaction.objects.order_by("id").values_list("pk", flat=True))[1:] == [
        row.id for row in rows
    ]
    assert Account.objects.get(pk=account.pk).balance == 15


@pytest.mark.postgresql
@pytest.mark.django_db
def test_a_batch_is_executed_while_the_server_inserts_it() -> None:
    row = run(Withdraw(account_id=make_account().id, amount=Decimal(5)))
    seen = []

    def rows() -> Iterator[JournalRow]:
        for index in range(3):
            seen.append(connection.connection.info.transaction_status.name)
            yield replace(row, id=uuid7(row.created_at, 1 + index))

    with transaction.atomic():
        stream(rows(), {})
    assert Transaction.objects.filter(failure_code="insufficient_funds").count() == 4
    assert seen == ["INTRANS", "ACTIVE", "ACTIVE"]


@pytest.mark.django_db(transaction=True)
def test_an_unknown_account_costs_one_query() -> None:
    missing = uuid7(make_account().created_at)
    with CaptureQueriesContext(connection) as queries, pytest.raises(NotFound):
        run(Deposit(account_id=missing, amount=Decimal(5)))
    assert statements(queries) == ["BEGIN", "SELECT", "ROLLBACK"]


def statements(queries: CaptureQueriesContext) -> list[str]:
    """The first word of each. A prepared statement that ran n times is logged as `n times: ...`."""
    texts = [query["sql"].strip() for query in queries]
    return [text.split("times: ")[-1].split()[0] for text in texts]


@pytest.mark.django_db
def test_all_balances_of_a_currency_sum_to_zero() -> None:
    accounts = [make_account(balance=index * 3 + 1) for index in range(3)]
    euros = make_account(balance=1000, currency="EUR")
    run(Transfer(account_id=accounts[2].id, target_account_id=accounts[0].id, amount=Decimal(5)))
    run(Withdraw(account_id=euros.id, amount=Decimal("0.99")))
    for currency, customers in (("USD", Decimal(12)), ("EUR", Decimal("999.01"))):
        lines = Entry.objects.filter(currency=currency)
        cash = internal_account_id(CASH, currency)
        assert sum(line.amount for line in lines) == 0
        assert sum(line.amount for line in lines.filter(account_id=cash)) == -customers
