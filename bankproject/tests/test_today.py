"""The first page of the admin: its numbers match the lists behind them, at a fixed cost."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.commands import CloseAccount, FreezeAccount, OpenAccount
from accounts.overview import CurrencyTotal, Holding, holdings, totals_by_currency
from accounts.states import FreezeScope, ShownStatus
from bankproject.console.counts import failed_today
from bankproject.console.days import hours_of_today, midnight
from bankproject.console.words import in_words
from core import clock
from tests.api import client_of, make_user, staff
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.queue.acceptance import accept
from transactions.reads import overview
from transactions.reads.overview import Activity, activity, busiest_accounts, queue_state
from transactions.verifier import Report
from transactions.verifier import records as verifications

pytestmark = pytest.mark.django_db

TODAY = reverse("admin:index")


def figures(client: Client) -> dict[str, Any]:
    return {figure.label: figure for figure in client.get(TODAY).context["figures"]}


def tables(client: Client) -> dict[str, list[list[str]]]:
    found = client.get(TODAY).context["tables"]
    return {table.title: [[cell.text for cell in row] for row in table.rows] for table in found}


@pytest.fixture
def bank(settings: Any) -> None:
    """Nine transactions: five completed, two failed, one that waits, one in the queue."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(10_000)}
    ada = make_account(name="Ada", balance="1234.5", overdraft_limit=Decimal(100))
    bob = make_account(name="Bob", balance=9)
    yen = make_account(name="Yen", balance=5000, currency="JPY")
    run(CloseAccount(account_id=make_account(name="Eve").id, reason="Left"))
    run(Transfer(account_id=bob.id, target_account_id=ada.id, amount=Decimal(9)))
    run(Withdraw(account_id=ada.id, amount=Decimal("1300.25")))
    run(Withdraw(account_id=bob.id, amount=Decimal(1)))
    run(FreezeAccount(account_id=yen.id, reason="Court order", scope=FreezeScope.DEBITS))
    run(Withdraw(account_id=yen.id, amount=Decimal(7)))
    run(Deposit(account_id=bob.id, amount=Decimal(10_000)))
    accept([Deposit(account_id=bob.id, amount=Decimal(3))], ORIGIN)


def test_an_empty_bank_says_what_to_do_next(admin_client: Client) -> None:
    html = admin_client.get(TODAY).content.decode()
    for words in (
        "Open the first one",
        "Nobody has verified them yet",
        "Nothing has been archived yet",
    ):
        assert words in html
    assert [figure.value for figure in figures(admin_client).values()] == [
        "0", "0", "0", "0", "Unknown", "None",
    ]  # fmt: skip


def test_the_numbers_of_accounts_and_the_balances(bank: None, admin_client: Client) -> None:
    shown = tables(admin_client)
    assert shown["Customers' accounts"] == [
        ["Active", "2"], ["Frozen", "1"], ["Closed", "1"], ["All", "4"],
    ]  # fmt: skip
    assert shown["Balances by currency"] == [
        ["JPY (Yen)", "5,000", "0", "5,000"],
        ["USD (US Dollar)", "0.00", "56.75", "-56.75"],
    ]
    assert shown["Failures today"] == [["The account is frozen", "1"], ["Insufficient funds", "1"]]
    assert [row[1] for row in shown["Hottest accounts today"]] == ["5", "3", "2"]
    values = {label: figure.value for label, figure in figures(admin_client).items()}
    assert values == {
        "Transactions today": "9",
        "Approvals waiting": "1",
        "Failed today": "2",
        "In the queue": "1",
        "Books": "Unknown",
        "Last archive run": "None",
    }


def test_holdings_are_one_consistent_read(bank: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = holdings()
    assert Holding("JPY", ShownStatus.FROZEN, 1, Decimal(5000), Decimal(0)) in found
    assert Holding("USD", ShownStatus.CLOSED, 1, Decimal(0), Decimal(0)) in found
    assert Holding("USD", ShownStatus.ACTIVE, 2, Decimal(0), Decimal("56.75")) in found
    assert totals_by_currency(found)[1] == CurrencyTotal("USD", Decimal(0), Decimal("56.75"))


def test_every_number_of_a_list_is_the_number_of_its_rows(bank: None, admin_client: Client) -> None:
    """Follows each link, and compares the number of rows found there."""
    page = admin_client.get(TODAY)
    checked = 0
    cells = [
        cell
        for table in [*page.context["tables"], *(chart.table for chart in page.context["charts"])]
        for row in table.rows
        for cell in row
        if cell.is_number and cell.link and "." not in cell.text and "JPY" not in row[0].text
    ]
    links = [(cell.text, cell.link) for cell in cells]
    for label in ("Transactions today", "Failed today"):
        figure = figures(admin_client)[label]
        links.append((figure.value, figure.link))
    for text, link in links:
        listed = admin_client.get(link)
        assert listed.status_code == 200, link
        assert listed.context["cl"].result_count == int(text.replace(",", "")), link
        checked += 1
    assert checked == 4 + 2 + 3 + 2


def test_all_links_lead_somewhere(bank: None, admin_client: Client) -> None:
    html = admin_client.get(TODAY).content.decode()
    links = {unescape(link) for link in re.findall(r'href="(/admin/[^"]*)"', html)}
    assert len(links) > 25
    for link in links:
        assert admin_client.get(link).status_code == 200, link


def test_charts_say_their_units_and_the_same_in_a_table(bank: None, admin_client: Client) -> None:
    by_hour, by_type = admin_client.get(TODAY).context["charts"]
    assert '"text": "Transactions"' in by_hour.options
    assert '"text": "Hour that begins at (UTC)"' in by_hour.options
    assert '"maxRotation": 0' in by_hour.options
    assert sum(map(sum, by_hour.series.values())) == 9
    assert by_type.series == {
        "Completed": [3, 1, 1, 0], "Failed": [0, 2, 0, 0],
        "Rejected or cancelled": [0, 0, 0, 0], "Waiting": [2, 0, 0, 0],
    }  # fmt: skip
    assert [[cell.text for cell in row] for row in by_type.table.rows] == [
        ["Deposit", "3", "0", "0", "2"],
        ["Withdrawal", "1", "2", "0", "0"],
        ["Transfer", "1", "0", "0", "0"],
        ["Reversal", "0", "0", "0", "0"],
    ]
    html = admin_client.get(TODAY).content.decode()
    assert html.count('role="img" aria-label="Bars: ') == 2


def test_the_books(admin_client: Client) -> None:
    now = timezone.now()
    verifications.record(Report(checked={}, findings=[]), started_at=now, finished_at=now)
    sound = figures(admin_client)["Books"]
    assert (sound.value, sound.tone) == ("Sound", "success")
    assert sound.explanation == f"Checked {now:%Y-%m-%d %H:%M:%S} UTC"


# Cost ---------------------------------------------------------------------------------------------


def test_it_costs_the_same_whatever_the_bank_holds(admin_client: Client) -> None:
    account = make_account()
    counts = []
    for rows in (1, 1000):
        process(
            [Deposit(account_id=account.id, amount=Decimal(n + 1)) for n in range(rows)], ORIGIN
        )
        process([OpenAccount(name="Any", currency="USD") for _ in range(rows)], ORIGIN)
        cache.clear()
        with CaptureQueriesContext(connection) as queries:
            admin_client.get(TODAY)
        counts.append(len(queries))
    # Session and user; two numbers of the navigation, two for the queue, two for the busiest; and
    # one each: accounts, activity, approvals, verification, seal, archive. The operator's duties
    # read the queue, the last verification, the last seal, the first transaction, and webhooks.
    assert counts[0] == counts[1] <= 19, counts
    with CaptureQueriesContext(connection) as queries:
        admin_client.get(TODAY)
    assert len(queries) <= 8


def test_only_the_ids_of_the_day_are_read() -> None:
    make_account(balance=5)
    with CaptureQueriesContext(connection) as queries:
        activity(hours_of_today(), midnight(1))
        busiest_accounts(midnight(), midnight(1))
    reads = [query["sql"] for query in queries if "transactions_transaction" in query["sql"]]
    assert len(reads) == 2
    for sql in reads:
        assert '"id" >=' in sql
        assert '"id" <' in sql
        assert '"created_at"' not in sql.split("WHERE")[1]


@pytest.mark.postgresql
def test_a_day_is_a_range_of_the_primary_key() -> None:
    make_account(balance=5)
    with CaptureQueriesContext(connection) as queries:
        activity([timezone.now()], midnight(1))
    with connection.cursor() as cursor:
        # PostgreSQL would otherwise read so small a table as a whole.
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {queries[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Cond: ((id >=" in plan


def test_the_queue_is_counted_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    # The estimate may be some milliseconds behind, and the rows are as young as that.
    monkeypatch.setattr(clock, "about_now", clock.now)
    account = make_account()
    amounts = [Decimal(n + 1) for n in range(4)]
    accept([Deposit(account_id=account.id, amount=amount) for amount in amounts], ORIGIN)
    assert queue_state().waiting == 4
    monkeypatch.setattr(overview, "_MOST_QUEUED", 3)
    state = queue_state()
    assert (state.waiting, state.is_cut) == (3, True)
    assert state.oldest_age > timedelta(0)


def test_activity_by_interval() -> None:
    account = make_account()
    before = timezone.now()
    deposit(account, 1)
    middle = timezone.now()
    deposit(account, 2)
    deposit(account, 3)
    end = timezone.now()
    found = {one.interval: one for one in activity([before, middle], end)}
    assert found[0] == Activity(0, "DEPOSIT", "COMPLETED", "", 1)
    assert found[1] == Activity(1, "DEPOSIT", "COMPLETED", "", 2)
    assert activity([], end) == []


# Rights -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["auditor", "teller", "supervisor"])
def test_each_role_sees_all_of_it(role: str, bank: None) -> None:
    client = staff(role)
    assert len(figures(client)) == 6
    assert len(tables(client)) == 4


def test_data_without_the_right_to_it_is_neither_shown_nor_read(bank: None) -> None:
    client = client_of(make_user("new", is_staff=True))
    with CaptureQueriesContext(connection) as queries:
        page = client.get(TODAY)
    assert "Your role shows nothing here" in page.content.decode()
    assert not [q for q in queries if "transactions_" in q["sql"] or "accounts_" in q["sql"]]


# Days ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hours", "first"),
    [
        ("2026-03-29", 23, "2026-03-28T23:00:00+00:00"),
        ("2026-10-25", 25, "2026-10-24T22:00:00+00:00"),
        ("2026-11-23", 24, "2026-11-22T23:00:00+00:00"),
    ],
)
def test_a_day_has_the_hours_of_its_zone(
    day: str, hours: int, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime.fromisoformat(f"{day}T12:00:00+00:00")
    monkeypatch.setattr(clock, "about_now", lambda: noon)
    with timezone.override("Europe/Berlin"):
        found = [hour.astimezone(UTC) for hour in hours_of_today()]
        assert len(found) == hours
        assert found[0] == datetime.fromisoformat(first)
        assert found[-1] + timedelta(hours=1) == midnight(1).astimezone(UTC)
        assert all(b - a == timedelta(hours=1) for a, b in pairwise(found))


def test_ages_in_words() -> None:
    assert in_words(timedelta(milliseconds=5)) == "less than a second"
    assert in_words(timedelta(seconds=200)) == "3 min 20 s"
    assert in_words(timedelta(days=2, hours=1, seconds=7)) == "2 d 1 h"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "count"), [("Europe/Berlin", "2"), ("UTC", "1"), ("Asia/Tokyo", "3")]
)
def test_a_day_ends_at_midnight_of_the_zone(zone: str, count: str) -> None:
    """To the microsecond: 22:59:59.999999 UTC is still the day before in Berlin."""
    with time_machine.travel(datetime(2026, 3, 3, tzinfo=UTC), tick=False):
        account = make_account()
    tick = timedelta(microseconds=1)
    berlin, utc = datetime(2026, 3, 4, 23, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
    for moment in (berlin - tick, berlin, utc):
        with time_machine.travel(moment, tick=False):
            run(Withdraw(account_id=account.id, amount=Decimal(9)))
    morning = datetime(2026, 3, 5, 9, tzinfo=UTC)
    with time_machine.travel(morning, tick=False), timezone.override(zone):
        assert failed_today() == count
        day = activity([midnight()], midnight(1))
    assert sum(group.count for group in day) == int(count)
