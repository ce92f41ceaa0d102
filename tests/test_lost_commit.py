"""The connection is lost after COMMIT was sent: the work is done, and must not be done again."""

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from tests.api import API, staff
from tests.factories import make_account
from transactions.models import Transaction

pytestmark = pytest.mark.django_db(transaction=True)

COMMIT = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The fate of each COMMIT. With ["lose"] in it, the first COMMIT is done but looks lost."""
    seen: list[str] = []

    def commit(wrapper: Any) -> None:
        COMMIT(wrapper)
        if seen == ["lose"]:
            seen.append("lost")
            cause = psycopg.OperationalError("server closed the connection unexpectedly")
            raise OperationalError(*cause.args) from cause
        seen.append("done")

    monkeypatch.setattr(BaseDatabaseWrapper, "_commit", commit)
    return seen


@pytest.mark.parametrize("key", ["", "a-key"])
def test_an_answer_lost_at_commit_is_no_reason_to_do_it_again(key: str, commits: list[str]) -> None:
    teller, account = staff("teller"), make_account(balance=5)
    path, before = f"{API}accounts/{account.id}/deposit/", Transaction.objects.count()
    headers = {"Idempotency-Key": key} if key else {}
    commits[:] = ["lose"]
    response = teller.post(path, {"amount": "1.25"}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (503, "outcome_unknown")
    assert commits == ["lose", "lost"]
    assert Transaction.objects.count() == before + 1
    account.refresh_from_db()
    assert str(account.balance) == "6.2500"
    connection.close()
    # Only the client may repeat it. A key makes it the same request; without one it is another
    # deposit.
    again = teller.post(path, {"amount": "1.25"}, headers=headers)
    assert again.json()["balance_after"] == ("6.25" if key else "7.50")
