"""Anyone may check a document: genuine, unknown, or no digest at all."""

import pytest
from django.test import Client

from statements.checking import _PER_MINUTE, _shown
from statements.models import Statement
from statements.tests.monthly_bank import MonthlyBank

pytestmark = pytest.mark.django_db


@pytest.fixture
def statement(bank: MonthlyBank) -> Statement:
    return bank.ada.statements.get(number=2)


def test_a_genuine_document(statement: Statement, client: Client) -> None:
    for digest in (statement.digest, statement.digest.upper()):
        response = client.get(f"/verify/{digest}/", HTTP_ACCEPT="application/json")
        assert response.status_code == 200
        assert response.json() == {
            "result": "genuine",
            "bank": "Bank",
            "digest": statement.digest,
            "document": "statement",
            "period": "2025-10",
            "starts_at": "2025-10-01T00:00:00.000000Z",
            "ends_at": "2025-11-01T00:00:00.000000Z",
            "time_zone": "UTC",
            "issued_at": "2025-12-01T00:00:00.000000Z",
        }


def test_the_page_says_it_in_words_and_nothing_personal(
    statement: Statement, client: Client
) -> None:
    response = client.get(f"/verify/{statement.digest}/")
    html = response.content.decode()
    assert response.status_code == 200
    assert "This digest is genuine" in html
    assert "2025-10" in html
    assert "no-store" in response["Cache-Control"]
    assert "script" not in response["Content-Security-Policy"]
    for personal in (statement.account.number, "Ada", "67.50", "100.00"):
        assert personal not in html


@pytest.mark.parametrize(
    ("digest", "status", "words"),
    [
        ("0" * 64, 404, "unknown here"),
        ("abc", 400, "no digest"),
        ("g" * 64, 400, "no digest"),
        ("0" * 65, 400, "no digest"),
        ("<script>alert(1)</script>", 400, "no digest"),
        ("' OR 1=1 --", 400, "no digest"),
    ],
)
def test_anything_else_is_a_clear_answer(
    client: Client, digest: str, status: int, words: str
) -> None:
    page = client.get(f"/verify/{digest.replace('/', '%2F')}/")
    if "/" in digest:  # It is no path of this route.
        assert page.status_code == 404
        return
    assert page.status_code == status
    assert words in page.content.decode()
    assert "<script>" not in page.content.decode()
    answer = client.get(f"/verify/{digest}/", {"format": "json"})
    assert (answer.status_code, answer.json()["result"]) == (
        status,
        "unknown" if status == 404 else "malformed",
    )


def test_it_only_reads(client: Client) -> None:
    assert client.post(f"/verify/{'0' * 64}/").status_code == 405


def test_one_address_asks_so_often_and_no_more(client: Client) -> None:
    statuses = [client.get(f"/verify/{'0' * 64}/").status_code for _ in range(_PER_MINUTE + 5)]
    assert set(statuses) == {404, 429}
    refused = client.get(f"/verify/{'0' * 64}/")
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) >= 1
    assert client.get(f"/verify/{'0' * 64}/", REMOTE_ADDR="192.0.2.9").status_code == 404


def test_the_day_of_issue_is_that_of_the_statements_zone() -> None:
    at_night = {"issued_at": "2025-11-30T20:00:00.000000Z", "time_zone": "Asia/Tokyo"}
    assert str(_shown(at_night)["issued_on"]) == "2025-12-01"
