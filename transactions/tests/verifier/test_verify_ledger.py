import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Account
from accounts.states import AccountKind
from core.database import all_objects, drop_objects
from core.identifiers import uuid7
from tests.assertions import nothing_changes
from tests.factories import make_account, run
from transactions.commands import Transfer
from transactions.tests.damaged_ledger import Bank, execute, make_bank, unguarded
from transactions.tests.damages import DAMAGES, Damage
from transactions.verifier import (
    accounts,
    customers,
    entries,
    events,
    examine,
    holds,
    journal,
    notes,
    verify,
)
from transactions.verifier.report import MAX_PLACES, Collector, Place, Report

CHECKED = {
    "accounts": 8, "currencies": 2, "transactions": 13, "entries": 16, "events": 5,
    "customers": 2, "customer_events": 4,
}  # fmt: skip


# Counted by other apps.
FURTHER = {"statements": 0, "seals": 0, "sealed_entries": 0}


def checked() -> dict[str, int]:
    return CHECKED | {"guards_and_views": len(all_objects(connection.vendor))} | FURTHER


def findings_of(report: Report) -> dict[str, Any]:
    """Findings by code, except for guards that the test itself has dropped."""
    return {
        finding.code: finding for finding in report.findings if finding.code != "L3.guard_missing"
    }


# A clean ledger -----------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_ledger_with_every_state_is_clean() -> None:
    make_bank()
    assert examine(connection) == Report(checked=checked(), findings=[])


@pytest.mark.django_db(transaction=True)
def test_an_empty_bank_is_clean() -> None:
    report = verify()
    assert report.ok
    assert report.checked == checked() | dict.fromkeys(CHECKED, 0)


# Each kind of damage ------------------------------------------------------------------------------


@pytest.fixture
def bank(db: None) -> Iterator[Bank]:
    bank = make_bank()
    with unguarded():
        yield bank


@pytest.mark.parametrize("damage", DAMAGES, ids=[f"{d.code}-{i}" for i, d in enumerate(DAMAGES)])
def test_damage_is_found_named_and_located(bank: Bank, damage: Damage) -> None:
    assert findings_of(examine(connection)) == {}
    assert execute(bank.sql(damage.statement)) == 1
    findings = findings_of(examine(connection))
    assert set(findings) == {damage.code, *damage.others}
    finding = findings[damage.code]
    assert finding.count == len(finding.places) == damage.count
    assert finding.invariant == damage.code[:2]
    place = finding.places[0]
    where = {name: named(bank, value) for name, value in damage.where.items()}
    assert place.where | where == place.where
    assert str(place.expected).startswith(named(bank, damage.expected))
    assert str(place.found).startswith(named(bank, damage.found))
    if "account_id" in where and where["account_id"] != str(bank.nobody):
        account = Account.objects.get(pk=where["account_id"])
        assert place.where["account_number"] == account.number


def named(bank: Bank, value: Any) -> Any:
    return str(getattr(bank, value)) if hasattr(bank, str(value)) else value


def test_the_damages_are_all_that_there_are() -> None:
    passes = (
        journal.rules_at(timezone.now()),
        entries.PASS,
        accounts.PASS,
        accounts.CURRENCIES,
        events.PASS,
        *customers.PASSES,
        notes.PASS,
        *holds.PASSES,
    )
    known = {rule.code for rules in passes for rule in rules.rules}
    in_python = {"R1.id_tells_another_time"}
    on_their_own = {"M1.reversed_twice"}
    assert {damage.code for damage in DAMAGES} == (known - on_their_own) | in_python


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("credit_sequence", 0, "M2.sequence_gap"),
        ("credit_sequence", 2, "M2.sequence_gap"),
        ("credit_balance_after", 70_000, "M2.balance_does_not_follow"),
    ],
)
@pytest.mark.django_db
def test_the_first_entry_of_an_account_is_checked_too(column: str, value: int, code: str) -> None:
    """No previous entry exists to compare it with."""
    account = make_account(balance=5)
    with unguarded():
        where = f"credit_sequence = 1 AND credit_balance_after = {50_000}"
        assert execute(f"UPDATE transactions_transaction SET {column} = {value} WHERE {where}") == 1
        finding = findings_of(examine(connection))[code]
    assert [place.where["account_number"] for place in finding.places] == [account.number]


def test_a_second_reversal_is_found(bank: Bank) -> None:
    statement = (
        "UPDATE transactions_transaction SET reverses_id = {transfer}, status = 'PENDING',"
        " failure_code = '', failure_detail = ''"
    )
    execute(bank.sql(f"{statement} WHERE id = {{failed_reversal}}"))
    finding = findings_of(examine(connection))["M1.reversed_twice"]
    assert {(place.where["transaction_id"], place.found) for place in finding.places} == {
        (str(bank.reversal), "2"),
        (str(bank.failed_reversal), "2"),
    }


@pytest.mark.sqlite
def test_an_amount_that_sqlite_made_a_float_of_is_found(bank: Bank) -> None:
    execute(bank.sql("UPDATE transactions_transaction SET amount = 0.5 WHERE id = {pending}"))
    (finding,) = findings_of(examine(connection)).values()
    assert finding.code == "M1.amount_not_positive"
    assert finding.places[0].found == "0.5"


@pytest.mark.django_db
def test_an_internal_account_under_another_id_is_found() -> None:
    make_bank()
    now = timezone.now()
    Account.objects.create(
        id=uuid7(now), number="FEES-USD", name="Fees", kind=AccountKind.INTERNAL, code="FEES",
        currency="USD", balance=None, last_sequence=None, created_at=now, updated_at=now,
    )  # fmt: skip
    (finding,) = examine(connection).findings
    assert finding.code == "M1.internal_account_id"
    assert [place.where for place in finding.places] == [{"account_number": "FEES-USD"}]


@pytest.mark.django_db
def test_a_missing_guard_is_found() -> None:
    name = "accounts_account_balance"
    on = " ON accounts_account" if connection.vendor == "postgresql" else ""
    execute(f"DROP TRIGGER {name}{on}")
    (finding,) = examine(connection).findings
    assert finding.code == "L3.guard_missing"
    assert [place.where for place in finding.places] == [{"database_object": name}]


def test_places_are_bounded_and_counted_in_full() -> None:
    found = Collector()
    for sequence in range(MAX_PLACES + 1234):
        found.add("M2.sequence_gap", "No gaps.", Place({"sequence": sequence}, "1", "2"))
    report = Report(checked={"accounts": 1}, findings=found.findings())
    (finding,) = report.as_json()["findings"]
    assert finding["count"] == MAX_PLACES + 1234
    assert [place["sequence"] for place in finding["places"]] == list(range(MAX_PLACES))
    lines = list(report.lines())
    assert lines[0] == "Checked: 1 accounts."
    assert lines[1] == "M2.sequence_gap: No gaps. Broken 1,334 times."
    assert lines[2] == "  sequence 0: expected 1, found 2"
    assert lines[-1] == "  and 1,234 more"
    assert len(lines) == MAX_PLACES + 3


# The command --------------------------------------------------------------------------------------


def command(*arguments: str) -> tuple[int, str]:
    """Runs the command; returns its exit code and output."""
    out = StringIO()
    try:
        call_command("verify_ledger", *arguments, stdout=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_clean_ledger_exits_with_zero() -> None:
    make_bank()
    with nothing_changes():
        code, text = command("--json")
        assert code == 0
        assert json.loads(text) == {"ok": True, "checked": checked(), "findings": []}
        code, text = command()
    assert code == 0
    guards = len(all_objects(connection.vendor))
    assert text.startswith(
        "Checked: 8 accounts, 2 currencies, 13 transactions, 16 entries, 5 events, 2 customers, "
        f"4 customer events, {guards} guards and views, "
    )
    assert text.endswith("\nNothing found: every rule holds.\n")


@pytest.mark.django_db(transaction=True)
def test_a_damaged_ledger_exits_with_one() -> None:
    bank = make_bank()
    bob = Account.objects.get(pk=bank.bob)
    # The guards are restored when the test's database is emptied.
    drop_objects(connection, kinds=("trigger",))
    execute(bank.sql("UPDATE accounts_account SET last_sequence = 7 WHERE id = {bob}"))
    code, text = command("--json")
    assert code == 1
    report = json.loads(text)
    assert report["ok"] is False
    assert report["checked"] == checked()
    guards, damage = report["findings"]
    assert (guards["code"], guards["count"]) == ("L3.guard_missing", len(guards["places"]))
    assert damage == {
        "code": "M2.last_sequence",
        "invariant": "M2",
        "rule": "An account's last sequence is the number of its entries.",
        "count": 1,
        "places": [
            {
                "account_number": bob.number,
                "account_id": str(bob.id),
                "expected": "3",
                "found": "7",
            }
        ],
    }
    code, text = command()
    assert code == 1
    assert (
        "M2.last_sequence: An account's last sequence is the number of its entries. "
        f"Broken 1 times.\n  account number {bob.number}, account id {bob.id}: "
        "expected 3, found 7\n"
    ) in text


# While others write -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_it_sees_one_moment_while_writers_go_on() -> None:
    pair = [make_account(balance=500).id, make_account(balance=300).id]
    over = Event()

    def transfer_until_it_is_over(source: int) -> int:
        count = 0
        try:
            while not over.is_set():
                run(Transfer(
                    account_id=pair[source], target_account_id=pair[1 - source], amount=Decimal(1)
                ))  # fmt: skip
                count += 1
        finally:
            connection.close()
        return count

    with ThreadPoolExecutor(2) as pool:
        writers = [pool.submit(transfer_until_it_is_over, source) for source in range(2)]
        try:
            reports = [verify() for _ in range(4)]
        finally:
            over.set()
        written = sum(writer.result(timeout=30) for writer in writers)
    assert [report.findings for report in reports] == [[]] * 4
    seen = [report.checked["transactions"] for report in reports]
    assert seen == sorted(seen)
    assert seen[0] < seen[-1] <= verify().checked["transactions"]
    assert verify().checked["transactions"] == 2 + written
