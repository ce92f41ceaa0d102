"""Several approvals at once, by the list of transactions that wait."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from accounts.models import Account
from core.commands import Origin
from tests.admin import logged_in, logged_in_as
from tests.api import make_user
from tests.factories import deposit, make_account, run
from transactions.commands import Deposit
from transactions.models import Transaction, TransactionEvent
from transactions.tests.admin.test_admin_bulk import LIST, ask, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Account:
    return make_account(name="Ada")


@pytest.fixture
def requested(ada: Account, settings: Any) -> list[Transaction]:
    """Three deposits that wait, of 10 and 20 by tessa, and of 30 by the supervisor herself."""
    settings.BANK_APPROVAL_THRESHOLDS = {"USD": Decimal(8)}
    tessa, own = make_user("tessa", role="teller"), make_user("supervisor", role="supervisor")
    asked = [(tessa, 10), (tessa, 20), (own, 30)]
    commands = [
        (Deposit(account_id=ada.id, amount=Decimal(n)), Origin(user_id=user.pk, caller="user:x"))
        for user, n in asked
    ]
    return [Transaction.objects.get(pk=run(*one).id) for one in commands]


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_supervisor_decides_on_several_but_approves_none_of_her_own(
    verb: str, ada: Account, requested: list[Transaction]
) -> None:
    client = logged_in(get_user_model().objects.get(username="supervisor"))
    url = f"{LIST}?approval=waits"
    target, rows = ask(client, *requested, action=f"{verb}_selected", url=url)
    before = Account.objects.get(pk=ada.pk).balance
    answer = client.post(target, {"rows": rows, "reason": "Seen the papers"})
    told = outcomes(answer)
    own, *others = told
    assert [outcome for outcome, _ in others] == ["Done", "Done"]
    # Anyone may give up a request of their own.
    assert own[0] == ("Refused" if verb == "approve" else "Done")
    why = "Nobody approves their own request" if verb == "approve" else ""
    assert own[1].startswith(why)
    assert answer.context["back"] == url
    ada.refresh_from_db()
    assert ada.balance - before == (Decimal(30) if verb == "approve" else 0)
    events = TransactionEvent.objects.filter(reason="Seen the papers")
    decided = requested[:2] if verb == "approve" else requested
    assert {event.transaction_id for event in events} == {row.pk for row in decided}
    again = outcomes(client.post(target, {"rows": rows, "reason": "Once more"}))
    assert [outcome for outcome, _ in again] == ["Refused"] * 3


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ({}, [30, 20, 10]),
        ({"made_by": "tessa"}, [20, 10]),
        ({"made_by": "nobody"}, []),
        ({"amount_from": "15", "amount_to": "25"}, [20]),
        ({"approval": "nonsense"}, []),
    ],
)
def test_what_waits_is_filtered(
    query: dict[str, str], amounts: list[int], requested: list[Transaction]
) -> None:
    deposit(requested[0].credit_account, 7)
    page = logged_in_as("auditor").get(LIST, {"approval": "waits"} | query)
    assert [row.amount for row in page.context["cl"].result_list] == amounts
