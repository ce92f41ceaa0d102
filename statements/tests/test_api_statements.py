"""Statements in the API: lists, formats, interim ones, and who sees which."""

import csv
import io
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import Account
from statements.issuing import issue_for_all
from statements.periods import Month
from statements.tests.monthly_bank import (
    DECEMBER,
    LAST_OF_OCTOBER,
    NOVEMBER,
    ORIGIN,
    MonthlyBank,
    at,
    record_seal,
)
from tests.api import API, make_user
from tests.factories import make_account, run
from transactions.commands import Reverse, Withdraw
from transactions.models import Transaction

pytestmark = pytest.mark.django_db


def content_of(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def test_the_list_has_the_newest_first_in_pages(bank: MonthlyBank, staff: APIClient) -> None:
    path = f"{API}accounts/{bank.ada.id}/statements/"
    first = staff.get(path, {"page_size": 1}).json()
    assert [row["period"] for row in first["results"]] == ["2025-10"]
    second = staff.get(first["next"]).json()
    assert [row["number"] for row in second["results"]] == [1]
    assert second["next"] is None
    assert staff.get(second["previous"]).json()["results"] == first["results"]
    (row,) = first["results"]
    assert (row["opening_balance"], row["closing_balance"]) == ("100.00", "67.50")
    assert (row["total_debits"], row["total_credits"], row["count"]) == ("32.50", "0.00", 2)
    assert row["previous_digest"] == second["results"][0]["digest"]


def test_a_statement_has_its_entries(bank: MonthlyBank, staff: APIClient) -> None:
    stored = bank.ada.statements.get(number=2)
    answer = staff.get(f"{API}statements/{stored.pk}/").json()
    transfer, withdrawal = answer["lines"]
    assert (transfer["debit"], transfer["balance_after"]) == ("30.50", "69.50")
    assert transfer["text"] == f"Transfer to {bank.bob.number}"
    assert transfer["counterparty_number"] == bank.bob.number
    assert (withdrawal["text"], withdrawal["counterparty_number"]) == ("Withdrawal", None)
    assert withdrawal["posted_at"] == "2025-10-31T23:59:59.999999Z"
    assert answer["check_url"] == f"http://testserver/verify/{stored.digest}/"
    (listed, _) = staff.get(f"{API}accounts/{bank.ada.id}/statements/").json()["results"]
    assert {name: listed[name] for name in listed.keys() & answer} == {
        name: answer[name] for name in listed.keys() & answer
    }
    assert len(listed.keys() & answer) > 9


def test_the_check_address_is_the_bank_s_public_one(
    bank: MonthlyBank, staff: APIClient, settings: Any
) -> None:
    settings.NAMED_PUBLIC_URL = "https://bank.example.com"
    stored = bank.ada.statements.get(number=2)
    path = f"{API}statements/{stored.pk}/"
    answers = [staff.get(path, headers={"host": host}) for host in ("testserver", "localhost")]
    assert answers[0].content == answers[1].content
    checked = f"https://bank.example.com/verify/{stored.digest}/"
    assert answers[0].json()["check_url"] == checked


def test_a_statement_without_entries_is_whole(bank: MonthlyBank, staff: APIClient) -> None:
    stored = bank.cid.statements.get()
    answer = staff.get(f"{API}statements/{stored.pk}/").json()
    assert (answer["lines"], answer["count"]) == ([], 0)
    (listed,) = staff.get(f"{API}accounts/{bank.cid.id}/statements/").json()["results"]
    assert (listed["first_sequence"], listed["last_sequence"]) == (1, 0)


def test_csv_has_the_entries(bank: MonthlyBank, staff: APIClient) -> None:
    stored = bank.ada.statements.get(number=1)
    path = f"{API}statements/{stored.pk}/"
    response = staff.get(path, {"format": "csv"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    name = f'attachment; filename="statement-{bank.ada.number}-1.csv"'
    assert response["Content-Disposition"] == name
    text = content_of(response).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["Text"], row["Credit"], row["Balance after"]) == ("Deposit", "100.00", "100.00")
    assert row["Description"] == 'Salary, "€"\nSeptember'
    assert content_of(staff.get(path, HTTP_ACCEPT="text/csv")).decode("utf-8-sig") == text


STARTS = {
    "pdf": b"%PDF-",
    "xlsx": b"PK",
    "csv": b"\xef\xbb\xbfPosted",
    "json": b"{",
    "camt053": b"<",
}


@pytest.mark.parametrize("wanted", STARTS)
def test_each_format_is_written_and_named(bank: MonthlyBank, staff: APIClient, wanted: str) -> None:
    stored = bank.ada.statements.get(number=2)
    for path in (f"{API}statements/{stored.pk}/", f"{API}accounts/{bank.ada.id}/statement/"):
        response = staff.get(path, {"format": wanted})
        assert response.status_code == 200
        by_accept = staff.get(path, HTTP_ACCEPT=response["Content-Type"].partition(";")[0])
        assert by_accept["Content-Type"] == response["Content-Type"]
        assert content_of(response).startswith(STARTS[wanted])
        assert content_of(by_accept).startswith(STARTS[wanted])


def test_the_same_bytes_each_time_whatever_happens_later(
    bank: MonthlyBank, staff: APIClient
) -> None:
    stored = bank.ada.statements.get(number=2)
    path = f"{API}statements/{stored.pk}/"
    before = [content_of(staff.get(path, {"format": one})) for one in STARTS]
    with at(DECEMBER + timedelta(days=1)):
        transfer = Transaction.objects.get(type="TRANSFER")
        run(Reverse(transaction_id=transfer.pk, reason="Sent twice"))
        issue_for_all(Month.parse("2025-11"), origin=ORIGIN)
    assert [content_of(staff.get(path, {"format": one})) for one in STARTS] == before


def test_a_reversal_tells_no_reason_of_staff(bank: MonthlyBank, staff: APIClient) -> None:
    with at(DECEMBER):
        transfer = Transaction.objects.get(type="TRANSFER")
        run(Reverse(transaction_id=transfer.pk, reason="Suspicion of fraud"))
    path = f"{API}accounts/{bank.ada.id}/statement/"
    with at(DECEMBER + timedelta(days=3)):
        answer = staff.get(path, {"from": "2025-10-01"}).json()
    first, *_, reversal = answer["lines"]
    assert (reversal["type"], reversal["description"]) == ("REVERSAL", "")
    assert reversal["reverses"] == first["transaction_id"] == str(transfer.pk)
    assert first["reversed_by"] == reversal["transaction_id"]


def test_an_interim_statement_covers_any_days(bank: MonthlyBank, staff: APIClient) -> None:
    path = f"{API}accounts/{bank.ada.id}/statement/"
    with at(NOVEMBER):
        span = {"from": "2025-10-05", "to": "2025-10-31"}
        answer = staff.get(path, span).json()
        assert [line["sequence"] for line in answer["lines"]] == [2]
        assert (answer["opening_balance"], answer["closing_balance"]) == ("100.00", "69.50")
        assert (answer["from"], answer["to"]) == (
            "2025-10-05T00:00:00.000000Z", "2025-10-31T00:00:00.000000Z",
        )  # fmt: skip
        response = staff.get(path, {**span, "format": "csv"})
        assert response["Content-Disposition"].endswith('-20251005-20251030.csv"')
        assert content_of(response)
        nothing = staff.get(path, {"from": "2025-08-01", "to": "2025-08-02"}).json()
        assert (nothing["count"], nothing["closing_balance"]) == (0, "0.00")


def test_without_days_it_is_of_this_month(bank: MonthlyBank, staff: APIClient) -> None:
    path = f"{API}accounts/{bank.ada.id}/statement/"
    with at(LAST_OF_OCTOBER + timedelta(seconds=-1)):
        answer = staff.get(path).json()
    assert (answer["from"], answer["count"]) == ("2025-10-01T00:00:00.000000Z", 1)
    with at(DECEMBER):
        answer = staff.get(path, {"to": "2025-11-01"}).json()
    assert (answer["from"], answer["count"]) == ("2025-10-01T00:00:00.000000Z", 2)


def test_without_an_end_it_goes_up_to_now(bank: MonthlyBank, staff: APIClient) -> None:
    with at(LAST_OF_OCTOBER + timedelta(seconds=1)):
        answer = staff.get(f"{API}accounts/{bank.ada.id}/statement/", {"from": "2025-10-31"}).json()
    assert answer["to"] == "2025-11-01T00:00:00.999999Z"
    assert answer["issued_at"] == answer["to"]
    assert [line["sequence"] for line in answer["lines"]] == [3]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"from": "2025-13-01"}, "from", "out_of_range"),
        ({"from": "01.10.2025"}, "from", "invalid"),
        ({"from": "1970-01-01"}, "from", "out_of_range"),
        ({"from": "2025-10-02", "to": "2025-10-02"}, "to", "empty_span"),
        ({"from": "2025-10-02", "to": "2025-10-01"}, "to", "empty_span"),
        ({"from": "2999-10-02"}, "from", "in_the_future"),
        ({"from": "2025-10-01", "format": "docx"}, "format", "invalid_choice"),
        ({"from": "2025-10-01", "page_size": "2"}, "page_size", "unknown_field"),
    ],
)
def test_bad_parameters_are_named(
    bank: MonthlyBank, staff: APIClient, query: dict[str, str], pointer: str, code: str
) -> None:
    response = staff.get(f"{API}accounts/{bank.ada.id}/statement/", query)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert (error["pointer"], error["code"]) == (pointer, code)


def test_an_unknown_format_of_a_statement_is_refused(bank: MonthlyBank, staff: APIClient) -> None:
    path = f"{API}statements/{bank.cid.statements.get().pk}/"
    assert staff.get(path, {"format": "docx"}).status_code == 400
    assert staff.get(path, HTTP_ACCEPT="image/png").status_code == 406


def test_the_bank_s_own_account_has_none(bank: MonthlyBank, staff: APIClient) -> None:
    cash = Account.objects.get(kind="INTERNAL")
    assert staff.get(f"{API}accounts/{cash.id}/statements/").json()["results"] == []
    response = staff.get(f"{API}accounts/{cash.id}/statement/", {"from": "2025-10-01"})
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_customers_see_their_own_only(bank: MonthlyBank) -> None:
    with at(NOVEMBER):
        own = make_account(owner_id=make_user("ada").pk)
    with at(DECEMBER):
        issue_for_all(Month.parse("2025-11"), origin=ORIGIN)
    client = APIClient()
    client.force_login(own.owner)
    stored = own.statements.get()
    assert client.get(f"{API}statements/{stored.pk}/").json()["number"] == 1
    assert len(client.get(f"{API}accounts/{own.id}/statements/").json()["results"]) == 1
    other = bank.ada.statements.get(number=1)
    missing = client.get(f"{API}statements/{uuid4()}/").json()
    hidden = client.get(f"{API}statements/{other.pk}/").json()
    assert (hidden["code"], hidden["status"]) == (missing["code"], missing["status"])
    for route in ("statements/", "statement/?from=2025-10-01"):
        assert client.get(f"{API}accounts/{bank.ada.id}/{route}").status_code == 404


def test_a_long_statement_is_read_in_parts_and_whole(
    bank: MonthlyBank, staff: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(DECEMBER - timedelta(days=1)):
        for _ in range(12):
            run(Withdraw(account_id=bank.ada.id, amount=Decimal(1)))
    monkeypatch.setattr("statements.contents._LINES", 5)
    monkeypatch.setattr("statements.rendering._IN_MEMORY", 100)
    path = f"{API}accounts/{bank.ada.id}/statement/"
    with at(DECEMBER + timedelta(days=2)):
        response = staff.get(path, {"from": "2025-09-01"})
        assert response.streaming
        lines = json.loads(content_of(response))["lines"]
    assert [line["sequence"] for line in lines] == list(range(1, 16))


def test_it_names_the_newest_seal_at_its_issue(bank: MonthlyBank, staff: APIClient) -> None:
    """Also if a seal of an earlier moment is committed after the issue."""
    before = f"{API}statements/{bank.ada.statements.get(number=2).pk}/"
    assert staff.get(before).json()["seal"] is None
    record_seal(1, NOVEMBER)
    with at(DECEMBER + timedelta(days=1)):
        issue_for_all(Month.parse("2025-11"), origin=ORIGIN)
    path = f"{API}statements/{bank.ada.statements.get(number=3).pk}/"
    first = staff.get(path, {"format": "pdf"}).getvalue()  # type: ignore[attr-defined]
    record_seal(2, DECEMBER)
    assert staff.get(path).json()["seal"] == f"1, {1:064}"
    assert staff.get(path, {"format": "pdf"}).getvalue() == first  # type: ignore[attr-defined]
    assert staff.get(before).json()["seal"] is None


@pytest.mark.parametrize("many", [2, 40])
def test_reads_take_a_bounded_number_of_statements(
    bank: MonthlyBank, staff: APIClient, many: int
) -> None:
    with at(DECEMBER - timedelta(days=1)):
        for _ in range(many):
            run(Withdraw(account_id=bank.ada.id, amount=Decimal("0.50")))
    with at(DECEMBER + timedelta(days=1)):
        issue_for_all(Month.parse("2025-11"), origin=ORIGIN)
        newest = bank.ada.statements.get(number=3)
        assert newest.count == many
        for path, most in (
            (f"{API}accounts/{bank.ada.id}/statements/", 6),
            (f"{API}statements/{newest.pk}/", 10),
            (f"{API}accounts/{bank.ada.id}/statement/", 14),
        ):
            with CaptureQueriesContext(connection) as queries:
                assert staff.get(path).status_code == 200
            assert len(queries) <= most, [query["sql"] for query in queries]
