from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.commands import FreezeAccount
from accounts.models import Account
from core.identifiers import uuid7
from tests.admin import statements
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.models import Batch, Entry, Transaction, TransactionEvent

pytestmark = pytest.mark.django_db

LIST = reverse("admin:transactions_transaction_changelist")
ENTRIES = reverse("admin:transactions_entry_changelist")
EVENTS = reverse("admin:transactions_transactionevent_changelist")


def listed(client: Client, url: str = LIST, **parameters: Any) -> list[Any]:
    response = client.get(url, parameters)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def page_of(client: Client, row: Model) -> str:
    url = reverse(f"admin:transactions_{row._meta.model_name}_change", args=[row.pk])
    response = client.get(url)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada", balance="1234.5")


@pytest.fixture
def bob() -> Account:
    return make_account(name="Bob", currency="USD")


@pytest.fixture
def moves(ada: Account, bob: Account) -> list[Transaction]:
    """Oldest first: Ada's deposit, a transfer, a refused withdrawal, a refused deposit in EUR."""
    run(
        Transfer(
            account_id=ada.id, target_account_id=bob.id, amount=Decimal(1100), description="Rent"
        )
    )
    run(Withdraw(account_id=bob.id, amount=Decimal("2000.25")))
    eve = make_account(name="Eve", currency="EUR")
    run(FreezeAccount(account_id=eve.id, reason="Court order"))
    deposit(eve, 5)
    return list(Transaction.objects.order_by("id"))


def test_the_list_speaks_in_words(admin_client: Client, moves: list[Transaction]) -> None:
    html = admin_client.get(LIST).content.decode()
    for words in ("Withdrawal", "Insufficient funds", "The account is frozen", "Rent", "Completed"):
        assert words in html
    assert html.count(">1,100.00 USD</td>") == 1
    assert html.count(">2,000.25 USD</td>") == 1


def test_filters(
    admin_client: Client, ada: Account, bob: Account, moves: list[Transaction]
) -> None:
    opening, transfer, refused, frozen = moves
    assert listed(admin_client) == [frozen, refused, transfer, opening]
    assert listed(admin_client, status__exact="FAILED") == [frozen, refused]
    assert listed(admin_client, type__exact="TRANSFER") == [transfer]
    assert listed(admin_client, currency="EUR") == [frozen]
    assert listed(admin_client, failure_code="insufficient_funds") == [refused]
    assert listed(admin_client, account=ada.number) == [transfer, opening]
    assert listed(admin_client, account=f" {bob.number[:6]} {bob.number[6:]} ") == [
        refused,
        transfer,
    ]
    assert listed(admin_client, account=str(bob.id)) == [refused, transfer]
    assert listed(admin_client, account="123") == []


def test_filter_by_amount(admin_client: Client, moves: list[Transaction]) -> None:
    """1,234.50, 1,100.00, 2,000.25 USD and 5.00 EUR."""
    opening, transfer, refused, frozen = moves
    assert listed(admin_client, amount_from="1100") == [refused, transfer, opening]
    assert listed(admin_client, amount_from="1100.01") == [refused, opening]
    assert listed(admin_client, amount_to="5") == [frozen]
    assert listed(admin_client, amount_from="1100.0", amount_to="1234.5") == [transfer, opening]
    assert listed(admin_client, amount_from="", amount_to="4.99") == []
    html = admin_client.get(LIST, {"amount_from": "1100.5"}).content.decode()
    assert 'aria-label="Amount from"' in html
    assert 'value="1100.5"' in html
    for nonsense in ("5,00", "-5", "1e3", "5.00001", "9" * 30):
        response = admin_client.get(LIST, {"amount_from": nonsense})
        assert (response.status_code, response["Location"]) == (302, f"{LIST}?e=1"), nonsense


def test_filter_by_the_day_of_creation(admin_client: Client, moves: list[Transaction]) -> None:
    today = timezone.now().date()
    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    assert len(listed(admin_client, created_at_from=today, created_at_to=today)) == 4
    assert listed(admin_client, created_at_from=tomorrow) == []
    assert listed(admin_client, created_at_to=yesterday) == []
    assert len(listed(admin_client, created_at_from="", created_at_to=today)) == 4
    (count, page) = statements(admin_client, LIST, created_at_from=today, p=1)[-2:]
    assert '"created_at" >=' not in count + page
    for nonsense in ("yesterday", "9999-12-31", "0001-01-01", "2026-02-30"):
        response = admin_client.get(LIST, {"created_at_from": nonsense})
        assert (response.status_code, response["Location"]) == (302, f"{LIST}?e=1")


def test_search(admin_client: Client, ada: Account, bob: Account, moves: list[Transaction]) -> None:
    opening, transfer, refused, _ = moves
    assert listed(admin_client, q=str(transfer.id)) == [transfer]
    assert listed(admin_client, q=str(uuid4())) == []
    assert listed(admin_client, q=ada.number[:8]) == [transfer, opening]
    assert listed(admin_client, q=bob.number) == [refused, transfer]
    assert listed(admin_client, q="ren") == [transfer]
    assert listed(admin_client, q="0000") == []


@pytest.mark.parametrize("field", ["id", "number"])
def test_ids_and_numbers_are_not_looked_for_in_descriptions(
    field: str, admin_client: Client, ada: Account
) -> None:
    sql = statements(admin_client, LIST, q=str(getattr(ada, field)))
    assert not any("description" in statement.split("WHERE")[-1] for statement in sql)


def test_a_transaction_shows_its_entries_and_events(
    admin_client: Client, ada: Account, moves: list[Transaction]
) -> None:
    _, transfer, refused, _ = moves
    now = timezone.now()
    TransactionEvent.objects.create(
        id=uuid7(now),
        transaction=refused,
        event="retry_asked",
        from_status="FAILED",
        to_status="PENDING",
        reason="Salary came",
        detail={},
        at=now,
    )
    html = page_of(admin_client, transfer)
    assert "134.50" in html
    assert html.count("1,100.00") == 9  # with title, path and headline
    html = page_of(admin_client, refused)
    assert "1100.00 USD available, 2000.25 USD needed." in html
    events = admin_client.get(EVENTS).content.decode()
    for words in ("Retry asked", "Salary came"):
        assert words in html
        assert words in events
    assert "Failed → Pending" in events
    assert "Balance after" not in html


def test_entries_of_an_account_stand_in_the_order_of_posting(
    admin_client: Client, ada: Account, bob: Account, moves: list[Transaction]
) -> None:
    deposit(ada, 7)
    entries = listed(admin_client, ENTRIES, account=ada.number)
    assert [(entry.sequence, entry.amount, entry.balance_after) for entry in entries] == [
        (3, 7, Decimal("141.5")),
        (2, -1100, Decimal("134.5")),
        (1, Decimal("1234.5"), Decimal("1234.5")),
    ]
    assert len(listed(admin_client, ENTRIES)) == 6
    cash = listed(admin_client, ENTRIES, account="CASH-USD")
    assert [(entry.sequence, entry.amount) for entry in cash] == [
        (None, -7),
        (None, Decimal("-1234.5")),
    ]


@pytest.mark.postgresql
@pytest.mark.parametrize("account", ["bob", "CASH-USD", None])
def test_entries_are_read_in_the_order_of_an_index(
    account: str | None, admin_client: Client, bob: Account, moves: list[Transaction]
) -> None:
    number = {"bob": bob.number}.get(account or "", account)
    sql = statements(admin_client, ENTRIES, **({"account": number} if number else {}))
    (page,) = [one for one in sql if "ORDER BY" in one and 'FROM "transactions_entry"' in one]
    with connection.cursor() as cursor:
        # PostgreSQL would otherwise read and sort so small a table as a whole.
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {page}")
        plan = [line.strip(" ->") for (line,) in cursor.fetchall()]
    assert plan[0].startswith("Merge Append")
    assert not any(line.startswith(("Sort  ", "Incremental Sort")) for line in plan)


def test_an_entry_is_found_by_the_index_of_its_transaction(
    admin_client: Client, ada: Account
) -> None:
    entry = Entry.objects.get(account=ada)
    url = reverse("admin:transactions_entry_change", args=[entry.pk])
    reads = [sql for sql in statements(admin_client, url) if 'FROM "transactions_entry"' in sql]
    assert reads
    assert all('"transaction_id" =' in sql for sql in reads)
    for missing in ("nonsense", f"{uuid4().hex}-D", f"{entry.pk}x"):
        url = reverse("admin:transactions_entry_change", args=[missing])
        assert admin_client.get(url).status_code == 302


def test_a_batch_links_to_its_transactions(admin_client: Client, ada: Account) -> None:
    now = timezone.now()
    batch = Batch.objects.create(id=uuid7(now), caller="user:1", atomic=True, created_at=now)
    url = reverse("admin:transactions_batch_transactions", args=[batch.pk])
    assert url in page_of(admin_client, batch)
    target = admin_client.get(url)["Location"]
    assert target == f"{LIST}?batch={batch.pk}"
    assert listed(admin_client, target) == []


# Session, user, both numbers of the navigation, the books, count and page; the currencies of the
# filter; the oldest transaction; accounts and transactions of entries; the account of the filter.
@pytest.mark.parametrize(
    ("url", "is_filtered", "expected"),
    [(LIST, False, 9), (LIST, True, 10), (ENTRIES, False, 9), (ENTRIES, True, 10)],
)
def test_a_list_costs_the_same_at_20_and_at_1000_rows(
    url: str, is_filtered: bool, expected: int, admin_client: Client, bob: Account
) -> None:
    parameters = {"account": bob.number} if is_filtered else {}
    process([Deposit(account_id=bob.id, amount=Decimal(n + 1)) for n in range(20)], ORIGIN)
    assert len(statements(admin_client, url, **parameters)) == expected
    process([Deposit(account_id=bob.id, amount=Decimal(n + 1)) for n in range(980)], ORIGIN)
    assert len(statements(admin_client, url, **parameters)) == expected


def test_a_transaction_costs_the_same_whatever_the_bank_holds(
    admin_client: Client, bob: Account
) -> None:
    first = deposit(bob, 3)
    url = reverse("admin:transactions_transaction_change", args=[first.id])
    before = len(statements(admin_client, url))
    process([Deposit(account_id=bob.id, amount=Decimal(n + 1)) for n in range(50)], ORIGIN)
    # One more if one of Django's caches was emptied meanwhile.
    assert len(statements(admin_client, url)) <= before + 1 <= 20
