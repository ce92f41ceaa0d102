"""Bounds of statements: the entries of an interim one, and how many documents are under way."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from core import large_documents
from statements import contents
from statements.documents.content import DocumentFormat
from statements.tests.monthly_bank import DECEMBER, MonthlyBank, at
from tests.admin import logged_in_as
from tests.api import API

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("wanted", DocumentFormat)
def test_an_interim_statement_has_a_bound(
    bank: MonthlyBank, staff: APIClient, monkeypatch: pytest.MonkeyPatch, wanted: DocumentFormat
) -> None:
    path = f"{API}accounts/{bank.ada.id}/statement/"
    span = {"from": "2025-09-01", "to": "2025-11-01", "format": str(wanted)}
    with at(DECEMBER):
        monkeypatch.setitem(contents.MOST_ENTRIES, wanted, 2)
        refused = staff.get(path, span)
        monkeypatch.setitem(contents.MOST_ENTRIES, wanted, 3)
        answer: Any = staff.get(path, span)
        assert b"".join(answer) if answer.streaming else answer.content
    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == ("format", "too_many_rows")
    assert "at most 2 entries, and these days have 3. Ask for fewer days" in error["detail"]


def test_a_process_writes_few_long_documents_at_once(
    bank: MonthlyBank, staff: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = bank.ada.statements.get(number=2)
    paths = [
        f"{API}statements/{stored.pk}/",
        f"{API}accounts/{bank.ada.id}/statement/?from=2025-09-01&to=2025-11-01",
    ]
    monkeypatch.setattr(large_documents, "SMALL", 1)
    with at(DECEMBER):
        with large_documents.place_for(2):
            assert [staff.get(path).status_code for path in paths] == [200, 200]
            with large_documents.place_for(2):
                for path in paths:
                    answer = staff.get(path)
                    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
                    assert answer["Retry-After"] == "5"
                monkeypatch.setattr(large_documents, "SMALL", 3)
                assert [staff.get(path).status_code for path in paths] == [200, 200]
        monkeypatch.setattr(large_documents, "SMALL", 1)
        assert [staff.get(path).status_code for path in paths] == [200, 200]


@pytest.mark.parametrize("file_format", ["xlsx", "pdf"])
def test_long_lists_take_such_a_place_too(
    bank: MonthlyBank, staff: APIClient, file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = logged_in_as("supervisor")
    listed = "/admin/transactions/entry/export/"
    monkeypatch.setattr(large_documents, "SMALL", 1)
    with large_documents.place_for(2), large_documents.place_for(2):
        answer = staff.get(f"{API}transactions/", {"format": file_format})
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        page = console.get(listed, {"format": file_format})
        assert (page.status_code, page["Retry-After"]) == (503, "5")
        assert "Other long documents are being written." in page.content.decode()
        # CSV is written while it is sent, and holds nothing.
        assert console.get(listed, {"format": "csv"}).status_code == 200
    for found in (
        staff.get(f"{API}transactions/", {"format": file_format}),
        console.get(listed, {"format": file_format}),
    ):
        assert found.status_code == 200
        assert b"".join(found)
    # Both places are free again.
    with large_documents.place_for(2), large_documents.place_for(2):
        pass
