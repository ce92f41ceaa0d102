"""`statistics/`: its members, its parameters, and what it costs."""

import csv
import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.api import API, ApiClient, client_of, client_without_login_queries, make_user, staff
from tests.factories import make_account, run
from transactions.commands import Deposit, Withdraw
from transactions.models import DaySummary
from transactions.statistics.summaries import make_summaries
from transactions.tests.queueing import queue_up, work

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("patient")]

PATH = f"{API}statistics/"
NOON = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture
def auditor() -> ApiClient:
    return client_without_login_queries(make_user("auditor", role="auditor"))


@pytest.fixture
def account() -> Account:
    with time_machine.travel(NOON - timedelta(days=100), tick=False):
        return make_account()


def move(command: Any, account: Account, amount: str, moment: datetime) -> None:
    with time_machine.travel(moment, tick=False):
        run(command(account_id=account.id, amount=Decimal(amount)))


def errors_of(client: ApiClient, query: str) -> list[tuple[str, str]]:
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 400, response.content
    return [(error["pointer"], error["code"]) for error in response.json()["errors"]]


def test_a_row_has_counts_sums_and_times(auditor: ApiClient, account: Account) -> None:
    with time_machine.travel(NOON, tick=False):
        yen = make_account(currency="JPY")
    move(Deposit, account, "100.50", NOON)
    move(Deposit, yen, "70000", NOON + timedelta(minutes=1))
    move(Withdraw, account, "999", NOON + timedelta(hours=2))
    with time_machine.travel(NOON + timedelta(hours=3), tick=False):
        for amount in ("0.25", "0.50"):
            queue_up(Withdraw(account_id=account.id, amount=Decimal(amount)))
    with time_machine.travel(NOON + timedelta(hours=3, seconds=1.234), tick=False):
        work(batch_size=1)
    day = "from=2026-03-10&to=2026-03-11"
    body = auditor.get(f"{PATH}?{day}").json()
    assert body == {
        "from": "2026-03-10",
        "to": "2026-03-11",
        "time_zone": "UTC",
        "interval": "day",
        "by": [],
        "results": [
            {
                "start": "2026-03-10T00:00:00.000000Z",
                "end": "2026-03-11T00:00:00.000000Z",
                "count": 5,
                "completed": 4,
                "failed": 1,
                "waiting": 0,
                "failed_share": 0.2,
                "amounts": {"JPY": "70000", "USD": "1100.25"},
                "completed_amounts": {"JPY": "70000", "USD": "101.25"},
                "processing_seconds": {"p50": 0.0, "p95": 1.25, "p99": 1.25},
            }
        ],
    }
    rows = auditor.get(f"{PATH}?{day}&interval=hour&by=failure_code,type").json()["results"]
    assert [
        (row["start"][11:16], row["end"][11:16], row["type"], row["failure_code"], row["count"])
        for row in rows
    ] == [
        ("12:00", "13:00", "DEPOSIT", None, 2),
        ("14:00", "15:00", "WITHDRAW", "insufficient_funds", 1),
        ("15:00", "16:00", "WITHDRAW", None, 2),
    ]
    rows = auditor.get(f"{PATH}?{day}&interval=month&by=status,currency").json()["results"]
    assert [(row["status"], row["currency"], row["amounts"]) for row in rows] == [
        ("COMPLETED", "JPY", {"JPY": "70000"}),
        ("COMPLETED", "USD", {"USD": "101.25"}),
        ("FAILED", "USD", {"USD": "999.00"}),
    ]
    assert {row["processing_seconds"]["p99"] for row in rows} == {0.0, 1.25}


def test_what_waits_has_no_time_yet(auditor: ApiClient, account: Account) -> None:
    with time_machine.travel(NOON, tick=False):
        queue_up(Withdraw(account_id=account.id, amount=Decimal("0.25")))
    (row,) = auditor.get(f"{PATH}?from=2026-03-10&to=2026-03-11").json()["results"]
    assert (row["count"], row["waiting"], row["processing_seconds"]) == (1, 1, None)
    assert (row["amounts"], row["completed_amounts"]) == ({"USD": "0.25"}, {})


def test_without_days_it_is_the_last_thirty_with_today(
    auditor: ApiClient, account: Account
) -> None:
    for days in (30, 29, 0):
        move(Deposit, account, "1", NOON - timedelta(days=days))
    with time_machine.travel(NOON, tick=False):
        body = auditor.get(PATH).json()
        assert (body["from"], body["to"]) == ("2026-02-09", "2026-03-11")
        assert [row["start"][:10] for row in body["results"]] == ["2026-02-09", "2026-03-10"]
        body = auditor.get(f"{PATH}?from=2026-03-01").json()
        assert (body["from"], body["to"]) == ("2026-03-01", "2026-03-11")
        body = auditor.get(f"{PATH}?to=2026-03-01").json()
        assert (body["from"], body["to"]) == ("2026-01-30", "2026-03-01")
        # A day to come is empty, and no error.
        assert auditor.get(f"{PATH}?from=2026-05-01").json()["results"] == []


def test_a_month_that_is_asked_for_in_part_says_so(auditor: ApiClient, account: Account) -> None:
    move(Deposit, account, "1", NOON)
    (row,) = auditor.get(f"{PATH}?from=2026-03-05&to=2026-03-20&interval=month").json()["results"]
    assert (row["start"][:10], row["end"][:10]) == ("2026-03-05", "2026-03-20")


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("from=2026-3-1", [("from", "invalid")]),
        ("from=2026-02-30", [("from", "out_of_range")]),
        ("from=0001-01-01", [("from", "out_of_range")]),
        ("to=9999-12-31", [("to", "out_of_range")]),
        ("from=2026-03-10T00:00:00Z", [("from", "invalid")]),
        ("from=2026-03-10&to=2026-03-10", [("to", "empty_span")]),
        ("from=2026-03-10&to=2026-03-09", [("to", "empty_span")]),
        ("from=2026-01-01&to=2027-01-03", [("to", "span_too_long")]),
        ("from=2026-01-01&to=2026-02-02&interval=hour", [("to", "span_too_long")]),
        ("from=2000-01-01&to=2026-01-01&interval=month", [("to", "span_too_long")]),
        ("interval=week", [("interval", "invalid_choice")]),
        ("by=account", [("by", "invalid_choice")]),
        ("by=type,", [("by", "invalid_choice")]),
        ("by=", [("by", "invalid_choice")]),
        ("by=type&by=status", [("by", "repeated")]),
        ("currency=USD", [("currency", "unknown_field")]),
    ],
)
def test_bad_input_names_its_parameter(
    auditor: ApiClient, query: str, errors: list[tuple[str, str]]
) -> None:
    assert errors_of(auditor, query) == errors


def test_the_longest_spans_are_answered(auditor: ApiClient) -> None:
    for query in (
        "from=2026-01-01&to=2026-02-01&interval=hour",
        "from=2024-01-01&to=2025-01-01",
        "from=2017-01-01&to=2027-01-01&interval=month",
    ):
        assert auditor.get(f"{PATH}?{query}").status_code == 200


def test_an_answer_of_too_many_rows_is_refused(
    auditor: ApiClient, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transactions.api.statistics.MOST_ROWS", 1)
    for days in (0, 1):
        move(Deposit, account, "1", NOON + timedelta(days=days))
    month = "from=2026-03-01&to=2026-04-01"
    assert errors_of(auditor, month) == [("by", "too_many_rows")]
    assert auditor.get(f"{PATH}?{month}&interval=month").status_code == 200


def test_staff_who_read_all_transactions_get_it_and_customers_do_not() -> None:
    for role in ("auditor", "teller", "supervisor"):
        assert staff(role).get(PATH).status_code == 200
    customer = make_user("customer")
    make_account(owner_id=customer.id)
    assert client_of(customer).get(PATH).status_code == 403
    assert client_of(make_user("clerk", is_staff=True)).get(PATH).status_code == 403


def test_as_csv_a_line_has_the_members_of_a_row(auditor: ApiClient, account: Account) -> None:
    with time_machine.travel(NOON, tick=False):
        yen = make_account(currency="JPY")
    move(Deposit, account, "100.50", NOON)
    move(Withdraw, account, "999", NOON + timedelta(days=1))
    move(Deposit, yen, "70000", NOON + timedelta(days=1))
    query = "from=2026-03-10&to=2026-03-12&by=status,failure_code"
    response = auditor.get(f"{PATH}?{query}&format=csv")
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response["Content-Disposition"] == (
        'attachment; filename="statistics-2026-03-10-2026-03-12.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(response.content.decode(), newline="")))
    shown = auditor.get(f"{PATH}?{query}").json()["results"]
    assert len(rows) == len(shown) == 3
    for row, one in zip(rows, shown, strict=True):
        times = one.pop("processing_seconds")
        for name in ("amounts", "completed_amounts"):
            own = one.pop(name)
            one |= {f"{name}_{currency}": own.get(currency) for currency in ("JPY", "USD")}
        one |= {f"processing_seconds_{name}": value for name, value in times.items()}
        assert row == {name: "" if each is None else str(each) for name, each in one.items()}
    with_accept = auditor.get(f"{PATH}?{query}", headers={"Accept": "text/csv"})
    assert with_accept.content == response.content


def test_as_csv_a_span_without_transactions_is_a_header(auditor: ApiClient) -> None:
    response = auditor.get(f"{PATH}?from=2026-03-10&to=2026-03-11&format=csv")
    columns = "start,end,count,completed,failed,waiting,failed_share"
    times = "processing_seconds_p50,processing_seconds_p95,processing_seconds_p99"
    assert response.content.decode() == f"{columns},{times}\r\n"


def test_a_format_that_there_is_not_is_an_error_of_its_parameter(auditor: ApiClient) -> None:
    assert errors_of(auditor, "format=xml") == [("format", "invalid_choice")]


def test_the_number_of_statements_does_not_grow(auditor: ApiClient, account: Account) -> None:
    """With summaries it is four, whatever the span and the bank."""

    def statements(query: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert auditor.get(f"{PATH}?{query}").status_code == 200
        return len(queries)

    for days in (0, 1, 2, 40, 80):
        move(Deposit, account, "1", NOON + timedelta(days=days))
        move(Withdraw, account, "99", NOON + timedelta(days=days))
    with time_machine.travel(NOON + timedelta(days=81), tick=False):
        assert make_summaries() == 81
        move(Deposit, account, "1", NOON + timedelta(days=81))
        assert DaySummary.objects.count() == 81
        year = "from=2026-01-01&to=2027-01-01"
        # How far the summaries reach; they themselves; the journal since; archive runs since.
        assert statements("from=2026-03-10&to=2026-03-12") == 4
        assert statements(f"{year}&by=type,currency,status,failure_code") == 4
