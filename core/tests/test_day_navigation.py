"""Navigation through the days of a list: years, months, days, in the reader's time zone."""

from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AccountEvent
from core import clock
from core.console.day_navigation import DayLink, DayNavigation, day_navigation
from core.identifiers import uuid7
from tests.factories import make_account

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)


def asked(**query: str) -> HttpRequest:
    return RequestFactory().get("/", query)


def navigation(**query: str) -> DayNavigation:
    with patch.object(clock, "about_now", return_value=NOW):
        found = day_navigation(asked(**query), AccountEvent, "at")
    assert found is not None
    return found


def words(steps: list[DayLink]) -> list[str]:
    return [f"[{step.words}]" if step.is_current else step.words for step in steps]


def event(at: datetime) -> None:
    AccountEvent.objects.create(id=uuid7(at), account=make_account(), event="RENAMED", at=at)


def between(first: str, last: str) -> dict[str, str]:
    return {"at_from": first, "at_to": last}


@pytest.fixture
def two_years() -> None:
    """The oldest row is of 30 November 2025, 23:30 UTC."""
    event(datetime(2025, 11, 30, 23, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("query", "crumbs", "steps"),
    [
        ({}, [], ["2025", "2026"]),
        (between("2025-01-01", "2025-12-31"), ["All days"], ["November", "December"]),
        (between("2026-01-01", "2026-12-31"), ["All days"], ["January", "February", "March"]),
        (
            between("2026-03-01", "2026-03-31"),
            ["All days", "2026"],
            ["1", "2", "3", "4", "5"],
        ),
        (
            between("2026-03-04", "2026-03-04"),
            ["All days", "2026", "March"],
            ["1", "2", "3", "[4]", "5"],
        ),
        # A range that is no year, month or day selects no place in the navigation.
        (between("2026-03-02", "2026-03-04"), [], ["2025", "2026"]),
        (between("nonsense", "2026-03-04"), [], ["2025", "2026"]),
        ({"at_from": "2026-03-04"}, [], ["2025", "2026"]),
        (between("2030-01-01", "2030-12-31"), ["All days"], []),
    ],
)
def test_each_step_leads_in_and_out(
    two_years: None, query: dict[str, str], crumbs: list[str], steps: list[str]
) -> None:
    found = navigation(**query)
    assert (words(found.crumbs), words(found.steps)) == (crumbs, steps)


def test_links_keep_the_other_filters_and_begin_anew(two_years: None) -> None:
    day = between("2026-03-04", "2026-03-04")
    found = navigation(currency="EUR", p="3", **day)
    assert [step.link for step in found.crumbs] == [
        "?currency=EUR",
        "?currency=EUR&at_from=2026-01-01&at_to=2026-12-31",
        "?currency=EUR&at_from=2026-03-01&at_to=2026-03-31",
    ]
    assert found.steps[0].link == "?currency=EUR&at_from=2026-03-01&at_to=2026-03-01"


def test_a_bank_of_one_year_begins_with_its_months() -> None:
    event(datetime(2026, 2, 27, tzinfo=UTC))
    assert words(navigation().steps) == ["February", "March"]


def test_days_are_those_of_the_zone(two_years: None) -> None:
    with timezone.override("Asia/Tokyo"):  # In Tokyo it is already December.
        found = navigation(**between("2025-01-01", "2025-12-31"))
    assert words(found.steps) == ["December"]


def test_no_rows_have_no_days() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert day_navigation(asked(), AccountEvent, "at") is None
    assert len(queries) == 1


def test_it_reads_one_id(two_years: None) -> None:
    for _ in range(3):
        event(NOW)
    query: Any = between("2026-03-01", "2026-03-31")
    with CaptureQueriesContext(connection) as queries:
        navigation(**query)
    (read,) = queries
    assert read["sql"].startswith('SELECT "accounts_accountevent"."id" AS "pk" FROM')
    assert read["sql"].endswith("LIMIT 1")
