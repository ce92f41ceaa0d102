"""JSON of a statement: exact texts for amounts, and all lines in order."""

import json
from typing import Any

from statements.documents.content import DocumentFormat, StatementContent
from statements.documents.render import file_name, open_document
from statements.tests.printed import CHECK, ManyLines, content_of


def read(content: StatementContent) -> dict[str, Any]:
    with open_document(content, DocumentFormat.JSON) as file:
        found: dict[str, Any] = json.loads(file.read())
        return found


def test_it_has_the_statement_and_its_lines() -> None:
    found = read(content_of(ManyLines(2)))
    first, second = found.pop("lines")
    assert found == {
        "bank": "Bank of Examples",
        "account": {
            "id": "00000000-0000-0000-0000-000000000001",
            "number": "1000000471",
            "name": "Household",
            "customer": "Ada Lovelace محمد 王小明",
            "currency": "EUR",
            "overdraft_limit": "0.00",
            "held": "0.00",
        },
        "number": 3,
        "from": "2026-10-01T00:00:00.000000Z",
        "to": "2026-11-01T00:00:00.000000Z",
        "time_zone": "UTC",
        "issued_at": "2026-11-01T01:00:00.000000Z",
        "opening_balance": "100.00",
        "closing_balance": "129.33",
        "total_debits": "0.00",
        "total_credits": "29.33",
        "count": 2,
        "secret": "cd" * 32,
        "digest": "ab" * 32,
        "previous_digest": None,
        "check_url": CHECK,
        "seal": None,
    }
    assert first["balance_after"] == "109.78"
    assert second == {
        "sequence": 14,
        "transaction_id": "00000000-0000-0000-0000-000000000002",
        "type": "WITHDRAW",
        "posted_at": "2026-10-21T16:00:00.000000Z",
        "effective_at": "2026-10-21T16:00:00.000000Z",
        "text": "Transfer from 77 شركة النور للتجارة",
        "description": "إيجار شهر أكتوبر",
        "debit": None,
        "credit": "19.55",
        "balance_after": "129.33",
        "counterparty_number": None,
        "counterparty_name": None,
        "reverses": None,
        "reversed_by": None,
        "has_earlier_value_date": False,
    }


def test_a_statement_without_lines_has_an_empty_list() -> None:
    assert read(content_of([]))["lines"] == []


def test_files_are_named_after_account_and_number() -> None:
    assert file_name(content_of([]), DocumentFormat.PDF) == "statement-1000000471-3.pdf"
    interim = content_of([], number=None)
    assert file_name(interim, DocumentFormat.CAMT) == "statement-1000000471-20261001-20261031.xml"
