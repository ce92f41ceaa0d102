"""Lists of transactions as CSV: the rows of the JSON, all of them, streamed."""

import csv
import io
import json
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import HttpResponse, StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from core import heartbeat
from core.commands import Command
from core.formulas import neutralised
from tests.api import (
    API,
    ApiClient,
    account_path,
    bad_fields,
    client_of,
    client_without_login_queries,
    make_user,
    staff,
)
from tests.factories import ORIGIN, deposit, make_account, run
from transactions.api import csv_list
from transactions.commands import Deposit, Reverse, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.reads.lists import TransactionList

pytestmark = pytest.mark.django_db

PATH = f"{API}transactions/"


@pytest.fixture
def account() -> Account:
    """An account with every kind of transaction in its history."""
    account = make_account(balance=500, owner_id=make_user("ada").id)
    other = make_account(balance=10)
    transfer = run(
        Transfer(
            account_id=account.id,
            target_account_id=other.id,
            amount=Decimal("12.34"),
            description='=1+2, "quoted"\nand a second line',
        )
    )
    refused = run(Withdraw(account_id=account.id, amount=Decimal(9000)))
    assert refused.failure_code == "insufficient_funds"
    run(Reverse(transaction_id=transfer.id, reason="Not theirs to pay"))
    deposit(other, "3.21")
    return account


@pytest.fixture
def auditor() -> ApiClient:
    return staff("auditor")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_list, "_ROWS_IN_PAGE", 2)


def body(response: HttpResponse) -> str:
    assert isinstance(response, StreamingHttpResponse)
    return b"".join(response).decode()


def rows(response: HttpResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(response), newline=""), strict=True))


def as_cells(row: dict[str, Any]) -> dict[str, str]:
    """A row of the JSON in its CSV form."""
    failure = row.pop("failure") or {}
    row["description"] = neutralised(row["description"])
    flat = row | {f"failure_{name}": failure.get(name) for name in ("code", "detail", "retryable")}
    return {
        name: "" if value is None else value if isinstance(value, str) else json.dumps(value)
        for name, value in flat.items()
    }


def history(account: Account) -> str:
    return account_path(account, "transactions")


QUERIES = [
    {},
    {"type": "TRANSFER"},
    {"status": "FAILED"},
    {"failure_code": "insufficient_funds"},
    {"amount_min": "12.34", "amount_max": "500"},
    {"search": "quoted"},
    {"created_before": "2000-01-01T00:00:00Z"},
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_it_has_the_rows_of_the_json(
    account: Account, auditor: ApiClient, query: dict[str, str]
) -> None:
    for client in (auditor, client_of(account.owner)):
        for path in (PATH, history(account)):
            expected = client.get(f"{path}?{urlencode(query)}").json()["results"]
            response = client.get(f"{path}?{urlencode(query | {'format': 'csv'})}")
            assert rows(response) == [as_cells(row) for row in expected]


def test_an_owner_sees_the_own_side_only(account: Account) -> None:
    owner = client_of(account.owner)
    shown = rows(owner.get(f"{PATH}?format=csv"))
    own = Transaction.objects.filter(debit_account=account) | Transaction.objects.filter(
        credit_account=account
    )
    assert {row["transaction_id"] for row in shown} == {str(row.id) for row in own}
    assert [(row["type"], row["balance_after"], row["description"]) for row in shown] == [
        ("REVERSAL", "500.00", ""),  # Only staff see the bank's reason for a reversal.
        ("WITHDRAW", "", ""),
        ("TRANSFER", "487.66", '\'=1+2, "quoted"\nand a second line'),
        ("DEPOSIT", "500.00", ""),
    ]


def test_the_account_of_another_is_not_found(account: Account) -> None:
    stranger = client_of(make_user("eve"))
    response = stranger.get(f"{history(account)}?format=csv")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert len(body(stranger.get(f"{PATH}?format=csv")).splitlines()) == 1


def test_it_is_a_file_by_rfc_4180(account: Account, auditor: ApiClient) -> None:
    response = auditor.get(history(account), headers={"Accept": "text/csv"})
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8; header=present"
    name = f"transactions-{account.number}.csv"
    assert response["Content-Disposition"] == f'attachment; filename="{name}"'
    assert response["Cache-Control"] == "no-store"
    text = body(response)
    assert text.startswith("transaction_id,type,status,account_id,target_account_id,amount,")
    assert ',"\'=1+2, ""quoted""\nand a second line",' in text  # A spreadsheet must not run it.
    assert text.endswith("\r\n")


def test_other_formats_and_pages_are_refused(account: Account, auditor: ApiClient) -> None:
    for path in (PATH, history(account)):
        assert bad_fields(auditor.get(f"{path}?format=xml")) == [("format", "invalid_choice")]
        xml = auditor.get(path, headers={"Accept": "text/xml"})
        assert (xml.status_code, xml.json()["code"]) == (406, "not_acceptable")
        assert auditor.get(f"{path}?format=json").json() == auditor.get(path).json() | {
            "next": None
        }
        for page in ("page_size=5", "cursor=x"):
            refused = auditor.get(f"{path}?format=csv&{page}")
            assert bad_fields(refused) == [(page.partition("=")[0], "not_with_csv")]
        assert bad_fields(auditor.get(f"{path}?format=csv&type=X")) == [("type", "invalid_choice")]
    # Only lists of transactions support it.
    for path in (f"{API}accounts/", account_path(account, "entries")):
        assert bad_fields(auditor.get(f"{path}?format=csv")) == [("format", "unknown_field")]


def _grow(account: Account, count: int) -> None:
    commands: list[Command] = [
        Deposit(account_id=account.id, amount=Decimal(1 + index)) for index in range(count)
    ]
    process(commands, ORIGIN)


def test_statements_grow_with_pages_and_not_with_rows(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_without_login_queries(make_user("auditor", role="auditor"))

    def statements(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            body(client.get(f"{path}?format=csv"))
        return len(captured)

    monkeypatch.setattr(csv_list, "_ROWS_IN_PAGE", 1000)
    for path in (PATH, history(account)):
        before = statements(path)
        _grow(account, 40)
        assert statements(path) == before
    monkeypatch.setattr(csv_list, "_ROWS_IN_PAGE", 10)
    assert statements(PATH) == 1 + Transaction.objects.count() // 10


def test_what_is_inserted_meanwhile_shifts_nothing(account: Account, auditor: ApiClient) -> None:
    before = [str(pk) for pk in Transaction.objects.order_by("-id").values_list("pk", flat=True)]
    response = auditor.get(f"{PATH}?format=csv")
    assert isinstance(response, StreamingHttpResponse)
    parts = iter(response)
    text = next(parts)
    _grow(account, 3)
    text += b"".join(parts)
    found = csv.DictReader(io.StringIO(text.decode(), newline=""))
    assert [row["transaction_id"] for row in found] == before


def test_each_page_is_a_heartbeat(
    account: Account, auditor: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[None] = []
    monkeypatch.setattr(heartbeat, "_beat", lambda: beats.append(None))
    body(auditor.get(f"{PATH}?format=csv"))
    assert len(beats) == 1 + Transaction.objects.count() // 2


@pytest.fixture
def broken_second_page(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = TransactionList.page

    def read(self: TransactionList, *, after: Any, **options: Any) -> Any:
        if after is not None:
            raise ConnectionError("The database went away.")
        return whole(self, after=after, **options)

    monkeypatch.setattr(TransactionList, "page", read)


@pytest.mark.usefixtures("broken_second_page")
def test_an_error_on_the_way_breaks_the_stream(account: Account, auditor: ApiClient) -> None:
    response = auditor.get(f"{PATH}?format=csv")
    assert isinstance(response, StreamingHttpResponse)
    parts = iter(response)
    assert next(parts).count(b"\r\n") == 3
    # The server closes the connection without the last chunk, as nothing here hides the error.
    with pytest.raises(ConnectionError):
        next(parts)
