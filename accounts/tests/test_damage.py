"""Accounts whose books are damaged: their debits are held, released by staff, and freed again."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.commands import HoldDebits, MendDamage, ReleaseDebits
from accounts.models import Account
from core.errors import InvalidTransition
from tests.admin import account_url, logged_in_as, words_of
from tests.api import API, staff
from tests.assertions import nothing_changes
from tests.factories import ORIGIN, make_account, run
from transactions.commands import Deposit, Transfer, Withdraw
from transactions.ledger.processor import process
from transactions.tests.queueing import queue_up, work

pytestmark = pytest.mark.django_db

ONE = Decimal(1)
RULE = "M2.balance_is_not_the_last"


def damaged(*rules: str) -> Account:
    account = make_account(balance=10)
    run(HoldDebits(account_id=account.id, rules=frozenset(rules or {RULE}), reason="Verified"))
    account.refresh_from_db()
    return account


def held(account: Account) -> tuple[bool, str]:
    account.refresh_from_db()
    return account.debits_held, account.broken_rules


def test_only_debits_are_refused() -> None:
    account, other = damaged(), make_account(balance=3)
    commands = [
        Withdraw(account_id=account.id, amount=ONE),
        Transfer(account_id=account.id, target_account_id=other.id, amount=ONE),
        Transfer(account_id=other.id, target_account_id=account.id, amount=ONE),
        Deposit(account_id=account.id, amount=ONE),
    ]
    rows = process(commands, ORIGIN)
    assert [row.failure_code for row in rows] == ["account_damaged", "account_damaged", "", ""]
    assert (
        rows[0].failure_detail == f"Account {account.id} pays nothing until its books are examined."
    )
    account.refresh_from_db()
    assert account.balance == 12


def test_the_event_says_which_rules_and_why() -> None:
    event = damaged("M2.last_sequence", RULE).events.order_by("-id").first()
    assert (event.event, event.reason) == ("DAMAGE_FOUND", "Verified")
    assert event.before == {"broken_rules": "", "debits_held": False}
    assert event.after == {"broken_rules": f"{RULE}, M2.last_sequence", "debits_held": True}


def test_a_release_holds_until_another_rule_is_broken() -> None:
    account = damaged()
    run(ReleaseDebits(account_id=account.id, reason="Counted by hand"))
    assert held(account) == (False, RULE)
    assert run(Withdraw(account_id=account.id, amount=ONE)).status == "COMPLETED"
    with nothing_changes(), pytest.raises(InvalidTransition, match="is known"):
        run(HoldDebits(account_id=account.id, rules=frozenset({RULE})))
    run(HoldDebits(account_id=account.id, rules=frozenset({"M4.overdrawn"})))
    assert held(account) == (True, f"{RULE}, M4.overdrawn")
    assert run(Withdraw(account_id=account.id, amount=ONE)).failure_code == "account_damaged"


def test_a_sound_verification_ends_it() -> None:
    account = damaged()
    run(MendDamage(account_id=account.id))
    assert held(account) == (False, "")
    assert account.events.order_by("-id").first().event == "DAMAGE_MENDED"


@pytest.mark.parametrize("command", [ReleaseDebits, MendDamage])
def test_a_sound_account_has_nothing_to_end(command: Any) -> None:
    account = make_account()
    with nothing_changes(), pytest.raises(InvalidTransition):
        run(command(account_id=account.id))


def test_the_api_refuses_a_debit_and_releases_it() -> None:
    account, client = damaged(), staff("supervisor")
    path = f"{API}accounts/{account.id}/"
    refused = client.post(f"{path}withdraw/", {"amount": "1.00"}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "account_damaged")
    assert refused.json()["retryable"]
    released = client.post(f"{path}release_debits/", {"reason": "Counted"}, format="json")
    assert released.status_code == 200
    assert held(account)[0] is False
    assert client.post(f"{path}release_debits/", {"reason": "x"}, format="json").status_code == 409
    retried = client.post(
        f"{API}transactions/{refused.json()['transaction_id']}/retry/",
        {"reason": "Released"},
        format="json",
    )
    assert retried.json()["status"] == "COMPLETED"


def test_a_batch_and_the_queue_refuse_it_too() -> None:
    account = damaged()
    item = {"type": "WITHDRAW", "account_id": str(account.id), "amount": "1.00"}
    answer = staff("teller").post(
        f"{API}transactions/batch/", {"transactions": [item]}, format="json"
    )
    assert answer.json()["results"][0]["failure"]["code"] == "account_damaged"
    (row,) = queue_up(Withdraw(account_id=account.id, amount=ONE))
    assert work() == 1
    row.refresh_from_db()
    assert (row.status, row.failure_code) == ("FAILED", "account_damaged")


def test_the_console_refuses_a_debit_and_a_supervisor_releases_it() -> None:
    account, teller = damaged(), logged_in_as("teller")
    form = {"amount": "1.00", "key": "3d1f8d9a-7a2b-4c0e-8f5e-0d3a9a1c7b11"}
    preview = teller.post(account_url(account, "withdraw"), form, follow=True)
    assert "The account's books are damaged" in words_of(preview.content.decode())
    assert teller.get(account_url(account, "release-debits")).status_code == 403
    supervisor = logged_in_as("supervisor")
    done = supervisor.post(account_url(account, "release-debits"), {"reason": "Counted"})
    assert done.status_code == 302
    event = account.events.order_by("-id").first()
    assert (event.event, event.reason, event.actor.username) == (
        "DEBITS_RELEASED",
        "Counted",
        "supervisor",
    )
    log = words_of(supervisor.get("/admin/audit/").content.decode())
    assert "Account: debits released" in log
    assert "Counted" in log
