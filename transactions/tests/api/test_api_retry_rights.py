"""A retry needs more than the right to retry: the view passes on the user's other rights."""

from decimal import Decimal

import pytest

from accounts.models import Account
from tests.api import API, ApiClient, staff
from tests.assertions import nothing_changes
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit, Reverse, Withdraw
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

REASON = {"reason": "Asked for by phone"}


@pytest.fixture
def account() -> Account:
    return make_account()


def failed_reversal(account: Account) -> Transaction:
    """A reversal of a deposit that failed for lack of funds."""
    original = run(Deposit(account_id=account.id, amount=Decimal(5)))
    run(Withdraw(account_id=account.id, amount=Decimal(5)))
    row = run(Reverse(transaction_id=original.id, reason="A mistake"))
    deposit(account, 8)
    return Transaction.objects.get(pk=row.id, status="FAILED")


def retry(client: ApiClient, row: Transaction, **headers: str) -> int:
    status: int = client.post(
        f"{API}transactions/{row.id}/retry/", REASON, headers=headers
    ).status_code
    return status


@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}])
def test_a_reversal_is_retried_by_who_may_reverse(
    account: Account, headers: dict[str, str]
) -> None:
    row = failed_reversal(account)
    with nothing_changes():
        assert retry(staff("teller"), row, **headers) == 403
    assert retry(staff("supervisor"), row, **headers) == (202 if headers else 200)


def test_the_limit_is_passed_by_who_may_approve(account: Account) -> None:
    row = run(Withdraw(account_id=account.id, amount=Decimal(5)))
    row = Transaction.objects.get(pk=row.id, status="FAILED")
    teller = staff("teller")
    for _ in range(5):
        assert retry(teller, row) == 400
    with nothing_changes():
        assert retry(teller, row) == 409
    assert retry(staff("supervisor"), row) == 400
    row.refresh_from_db()
    assert row.retry_count == 6
