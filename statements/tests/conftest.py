"""What all tests of statements share."""

import pytest
from rest_framework.test import APIClient

from statements.issuing import issue_for_all
from statements.periods import Month
from statements.tests.monthly_bank import DECEMBER, ORIGIN, MonthlyBank, at, make_monthly_bank
from tests.api import make_user


@pytest.fixture(autouse=True)
def _waits(patient: None) -> None:
    """Issuing waits for a settled moment."""


@pytest.fixture
def bank() -> MonthlyBank:
    """With all statements up to October; tests of issuing have a bank without any."""
    bank = make_monthly_bank()
    with at(DECEMBER):
        issue_for_all(Month.parse("2025-10"), origin=ORIGIN)
    return bank


@pytest.fixture
def staff() -> APIClient:
    client = APIClient()
    client.force_login(make_user("olive", role="auditor"))
    return client
