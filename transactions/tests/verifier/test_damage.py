"""What a verification does about the damage it finds: kept places, held debits, and their end."""

from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.commands import ReleaseDebits
from accounts.models import Account
from core.database import create_objects, drop_objects
from core.errors import Busy
from tests.admin import account_url, logged_in, logged_in_as, statements, words_of
from tests.api import make_user
from tests.factories import make_account, run
from transactions.models import Transaction, Verification
from transactions.tests.damaged_ledger import execute
from transactions.verifier import damage, records
from transactions.verifier.damage import record_damage
from transactions.verifier.report import MAX_DAMAGED, Collector, Finding, Place, Report

RULE, SAYS = "M2.balance_is_not_the_last", "A balance is the balance after the last entry."


def report_on(account: Account, code: str = RULE, **where: Any) -> Report:
    collector = Collector()
    place = Place(
        {"account_number": account.number, "account_id": str(account.id), **where}, "1.0", "2.0"
    )
    collector.add(code, SAYS, place)
    return Report(checked={}, findings=collector.findings(), damaged=collector.damaged)


def held() -> list[str]:
    return [str(pk) for pk in Account.objects.filter(debits_held=True).values_list("pk", flat=True)]


@pytest.mark.django_db(transaction=True)
def test_the_command_holds_the_debits_of_a_damaged_account_until_it_is_sound() -> None:
    damaged, other = make_account(balance=5), make_account(balance=5)
    set_balance(damaged, 60_000)
    with pytest.raises(SystemExit):
        call_command("verify_ledger", stdout=StringIO())
    assert held() == [str(damaged.id)]
    damaged.refresh_from_db()
    assert damaged.broken_rules == f"{RULE}, M2.balance_is_not_the_sum"
    place = next(one for one in Verification.objects.get().places if one["code"] == RULE)
    assert place["account_id"] == str(damaged.id)
    assert (place["expected"], place["found"]) == ("5.0000", "6.0000")
    assert place["transaction_id"] == str(Transaction.objects.get(credit_account=damaged).pk)
    assert place["rule"].startswith("A balance is")

    set_balance(damaged, 50_000)
    call_command("verify_ledger", stdout=StringIO())
    damaged.refresh_from_db()
    assert (damaged.debits_held, damaged.broken_rules) == (False, "")
    told = [event.event for event in damaged.events.order_by("id")]
    assert told == ["OPENED", "DAMAGE_FOUND", "DAMAGE_MENDED"]
    assert other.events.count() == 1


def set_balance(account: Account, units: int) -> None:
    """Writes past the ledger, without the guards."""
    drop_objects(connection, kinds=("trigger",))
    pk = account.id.hex if connection.vendor == "sqlite" else account.id
    execute(f"UPDATE accounts_account SET balance = {units} WHERE id = '{pk}'")
    create_objects(connection)


@pytest.mark.django_db
def test_the_same_damage_is_recorded_once_and_a_release_stands() -> None:
    account = make_account()
    assert list(record_damage(report_on(account))) == []
    run(ReleaseDebits(account_id=account.id, reason="Counted"))
    assert list(record_damage(report_on(account))) == []
    assert held() == []
    assert account.events.count() == 3
    assert list(record_damage(report_on(account, "M4.overdrawn"))) == []
    assert held() == [str(account.id)]


@pytest.mark.django_db
def test_a_transaction_without_an_account_stands_for_both() -> None:
    account = make_account(balance=3)
    transaction_id = str(Transaction.objects.get().pk)
    finding = Finding("M1.amount_not_positive", "An amount.")
    finding.add(Place({"transaction_id": transaction_id}, "a positive amount", "0"))
    list(record_damage(Report(checked={}, findings=[finding])))
    assert held() == [str(account.id)]


@pytest.mark.parametrize("code", ["L1.unknown_status", "R1.id_tells_another_time", "S1.summary"])
@pytest.mark.django_db
def test_other_rules_hold_nothing(code: str) -> None:
    account = make_account(balance=3)
    list(record_damage(report_on(account, code)))
    assert held() == []


@pytest.mark.django_db
def test_an_account_that_cannot_be_marked_is_told_and_the_next_is_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = make_account(), make_account()
    report = Report(
        checked={},
        findings=[Finding(RULE, SAYS, 2)],
        damaged={str(first.id): {RULE}, str(second.id): {RULE}},
    )
    process = damage.process

    def busy_once(commands: Any, origin: Any) -> Any:
        if commands[0].account_id == min(first.id, second.id):
            raise Busy("Locked.")
        return process(commands, origin)

    monkeypatch.setattr(damage, "process", busy_once)
    (problem,) = record_damage(report)
    assert "could not be marked: Locked." in problem
    assert len(held()) == 1


def test_the_number_of_remembered_accounts_is_bounded() -> None:
    collector = Collector()
    for number in range(MAX_DAMAGED + 5):
        collector.add(RULE, SAYS, Place({"account_id": str(number)}))
    assert len(collector.damaged) == MAX_DAMAGED


@pytest.mark.django_db
def test_a_hundred_places_are_kept_and_each_rule_is_among_them() -> None:
    collector = Collector()
    for number in range(200):
        collector.add("M2.a", "A.", Place({"sequence": number}))
    collector.add("M3.b", "B.", Place({"currency": "USD"}, "0", "1"))
    now = timezone.now()
    report = Report(checked={}, findings=collector.findings())
    kept = records.record(report, started_at=now, finished_at=now).places
    assert len(kept) == 100
    assert kept[1] == {
        "code": "M3.b",
        "rule": "B.",
        "currency": "USD",
        "expected": "0",
        "found": "1",
    }


# Pages --------------------------------------------------------------------------------------------


def recorded(report: Report, at: datetime | None = None) -> Verification:
    now = at or timezone.now()
    return records.record(report, started_at=now, finished_at=now)


@pytest.mark.django_db
def test_the_page_of_a_verification_lists_the_places_with_links() -> None:
    account = make_account(balance=1)
    transaction_id = str(Transaction.objects.get().pk)
    kept = recorded(report_on(account, transaction_id=transaction_id, sequence=1))
    page = reverse("admin:transactions_verification_change", args=[kept.pk])
    html = logged_in_as("auditor").get(page).content.decode()
    assert f'href="{account_url(account)}"' in html
    assert f"/transactions/transaction/{transaction_id}/change/" in html
    for words in (SAYS, RULE, account.number, "sequence 1", "1.0", "2.0"):
        assert words in words_of(html), words


@pytest.mark.django_db
def test_the_page_of_an_earlier_result_says_that_no_places_were_kept() -> None:
    now = timezone.now()
    kept = Verification.objects.create(
        id="019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27",
        started_at=now,
        finished_at=now,
        is_sound=False,
        findings={RULE: 1},
        places=None,
    )
    page = reverse("admin:transactions_verification_change", args=[kept.pk])
    assert "kept no places" in words_of(logged_in_as("auditor").get(page).content.decode())


@pytest.mark.django_db
def test_a_damaged_account_says_so_and_what_holds() -> None:
    account = make_account(balance=1)
    report = report_on(account)
    recorded(report)
    list(record_damage(report))
    teller = logged_in_as("teller")
    words = words_of(teller.get(account_url(account)).content.decode())
    assert "The books of this account are damaged. No money can leave it." in words
    assert f"{SAYS} Expected 1.0, found 2.0." in words
    run(ReleaseDebits(account_id=account.id, reason="Counted"))
    words = words_of(teller.get(account_url(account)).content.decode())
    assert "The books of this account are damaged. Staff have released its debits." in words
    other = make_account()
    assert "damaged" not in words_of(teller.get(account_url(other)).content.decode())


PAGES = (
    "/admin/",
    "/admin/accounts/account/",
    "/admin/audit/",
    "/admin/approvals/",
    "/admin/statistics/",
    "/admin/password_change/",
)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.django_db
def test_each_page_has_a_red_bar_until_a_later_verification_is_sound(page: str) -> None:
    client = logged_in_as("supervisor")
    now = timezone.now()
    broken = recorded(report_on(make_account()), now)
    html = client.get(page).content.decode()
    assert "bank-bar bank-urgent" in html
    assert "The books are broken in 1 place, as the verification of" in html
    link = reverse("admin:transactions_verification_change", args=[broken.pk])
    assert f'<a href="{link}">Show where</a>' in html
    recorded(Report(checked={}, findings=[]), now + timedelta(seconds=1))
    assert "The books are broken" not in client.get(page).content.decode()


@pytest.mark.django_db
def test_the_bar_costs_one_read_of_the_primary_key() -> None:
    recorded(report_on(make_account()))
    reads = [
        sql
        for sql in statements(logged_in_as("supervisor"), "/admin/")
        if "transactions_verification" in sql
    ]
    assert len(reads) == 1
    assert "places" not in reads[0]
    assert 'ORDER BY "transactions_verification"."id" DESC LIMIT 1' in reads[0]


@pytest.mark.django_db
def test_a_user_without_the_right_is_not_told() -> None:
    recorded(report_on(make_account()))
    nobody = make_user("nobody", is_staff=True)
    assert "The books are broken" not in logged_in(nobody).get("/admin/").content.decode()


@pytest.mark.django_db
def test_the_log_in_does_not_tell_strangers(client: Client) -> None:
    recorded(report_on(make_account()))
    assert "The books are broken" not in client.get("/admin/login/").content.decode()
