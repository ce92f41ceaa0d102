"""Every kind of damage to statements is found, named and located."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from statements.issuing import missing_for_account
from statements.models import Statement
from statements.periods import Month
from statements.standing import standing_of
from statements.tests.monthly_bank import (
    DECEMBER,
    OCTOBER,
    SEPTEMBER,
    MonthlyBank,
    at,
    record_seal,
)
from transactions.models import Entry
from transactions.tests.damaged_ledger import execute, unguarded
from transactions.verifier import examine

pytestmark = pytest.mark.django_db

S, T = "statements_statement", "transactions_transaction"


@dataclass(frozen=True)
class StatementDamage:
    """The damage by `statement`, and all rules that it breaks; the first place of the first."""

    codes: tuple[str, ...]
    statement: str
    expected: str
    found: str


DAMAGES = [
    StatementDamage(
        ("number", "digest"),
        f"UPDATE {S} SET number = 7 WHERE id = {{second}}",
        "2", "7",
    ),
    StatementDamage(
        ("number",),
        f"UPDATE {S} SET previous_id = NULL WHERE id = {{second}}",
        "{first}", "none",
    ),
    StatementDamage(
        ("number", "range", "opening_balance", "digest"),
        f"DELETE FROM {S} WHERE id = {{first}}",
        "1", "2",
    ),
    StatementDamage(
        ("period", "digest"),
        f"UPDATE {S} SET starts_at = '2025-10-02 00:00:00' WHERE id = {{second}}",
        "2025-10-01T00:00:00.000000Z", "2025-10-02T00:00:00.000000Z",
    ),
    StatementDamage(
        ("range", "entries", "digest"),
        f"UPDATE {S} SET first_sequence = 3, count = 1 WHERE id = {{second}}",
        "2", "3",
    ),
    StatementDamage(
        ("range", "entries", "digest"),
        f"UPDATE {S} SET first_sequence = 1000000000000000 WHERE id = {{second}}",
        "2", "1000000000000000",
    ),
    StatementDamage(
        ("opening_balance", "entries", "digest"),
        f"UPDATE {S} SET opening_balance = 1 WHERE id = {{second}}",
        "100.0000", "0.0001",
    ),
    StatementDamage(
        ("entries",),
        f"UPDATE {S} SET closing_balance = closing_balance + 1 WHERE id = {{second}}",
        "67.5000", "67.5001",
    ),
    StatementDamage(
        ("entries",),
        f"UPDATE {S} SET total_debits = 0, total_credits = 0 WHERE id = {{second}}",
        "32.5000", "0.0000",
    ),
    StatementDamage(
        ("entries", "cut", "digest"),
        f"UPDATE {S} SET last_sequence = 2, count = 1 WHERE id = {{second}}",
        "30.5000", "32.5000",
    ),
    StatementDamage(
        ("entries",),
        f"UPDATE {S} SET last_sequence = 1000000000000000 WHERE id = {{second}}",
        "3", "1000000000000000",
    ),
    StatementDamage(
        ("cut", "digest"),
        f"UPDATE {S} SET ends_at = '2025-10-20 00:00:00' WHERE id = {{second}}",
        "a cut at 2025-10-20T00:00:00.000000Z", "2025-10-31T23:59:59.999999Z",
    ),
    StatementDamage(
        ("cut", "digest"),
        f"UPDATE {S} SET starts_at = '2025-09-20 00:00:00' WHERE id = {{first}}",
        "none before 2025-09-20T00:00:00.000000Z", "2025-09-10T00:00:00.000000Z",
    ),
    StatementDamage(
        ("currency",),
        f"UPDATE {S} SET currency = 'EUR' WHERE id = {{second}}",
        "USD", "EUR",
    ),
    StatementDamage(
        ("time_zone",),
        f"UPDATE {S} SET time_zone = 'Mars/Olympus' WHERE id = {{second}}",
        "a time zone", "Mars/Olympus",
    ),
    StatementDamage(
        ("month",),
        f"UPDATE {S} SET time_zone = 'Asia/Tokyo' WHERE id = {{second}}",
        "2025-11", "2025-10",
    ),
    StatementDamage(
        ("month",),
        f"UPDATE {S} SET period = '2025-07' WHERE id = {{second}}",
        "2025-10", "2025-07",
    ),
    StatementDamage(
        ("seal",),
        f"UPDATE {S} SET seal_number = 5, seal_digest = '{'1' * 64}' WHERE id = {{second}}",
        f"{5:064}", "1" * 64,
    ),
    StatementDamage(
        ("seal",),
        f"UPDATE {S} SET seal_number = 6, seal_digest = '{5:064}' WHERE id = {{second}}",
        "none", f"{5:064}",
    ),
    StatementDamage(
        ("digest",),
        f"UPDATE {S} SET secret = '{'0' * 64}' WHERE id = {{second}}",
        "", "",
    ),
    StatementDamage(
        ("digest",),
        f"UPDATE {S} SET digest = 'abc' WHERE id = {{second}}",
        "", "abc",
    ),
    StatementDamage(
        ("digest",),
        f"UPDATE {T} SET description = 'Other' WHERE id = {{deposit}}",
        "", "",
    ),
    StatementDamage(
        ("entries", "digest"),
        f"DELETE FROM {T} WHERE id = {{withdrawal}}",
        "1", "2",
    ),
]  # fmt: skip


def findings() -> dict[str, Any]:
    """Those about statements, by the end of their codes."""
    report = examine(connection)
    return {
        finding.code.removeprefix("B1.statement_"): finding
        for finding in report.findings
        if finding.invariant == "B1"
    }


def test_statements_as_issued_are_clean(bank: MonthlyBank) -> None:
    with at(DECEMBER):
        assert examine(connection).findings == []
    assert Statement.objects.count() == 5


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_all_statements_are_read_once_page_by_page(
    bank: MonthlyBank, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("statements.verifying._AT_ONCE", size)
    with at(DECEMBER):
        report = examine(connection)
    assert (report.checked["statements"], report.findings) == (5, [])


@pytest.mark.parametrize(
    "damage", DAMAGES, ids=[f"{'-'.join(d.codes)}-{i}" for i, d in enumerate(DAMAGES)]
)
def test_damage_to_statements_is_found(bank: MonthlyBank, damage: StatementDamage) -> None:
    first, second = bank.ada.statements.order_by("number")
    entries = Entry.objects.filter(account=bank.ada)
    names = {
        "first": first.pk,
        "second": second.pk,
        "deposit": entries.get(sequence=1).transaction_id,
        "withdrawal": entries.get(sequence=3).transaction_id,
    }
    literals = {name: f"'{pk.hex}'" for name, pk in names.items()}
    record_seal(5, OCTOBER)
    with unguarded():
        assert execute(damage.statement.format(**literals)) == 1
        found = findings()
        assert set(found) == set(damage.codes)
        place = found[damage.codes[0]].places[0]
        assert place.where["account_number"] == bank.ada.number
        assert place.where["statement_number"] in (1, 2, 7)
        assert str(place.expected).startswith(damage.expected.format(**names))
        assert str(place.found).startswith(damage.found)


def test_an_imported_account_begins_with_its_first_entry(bank: MonthlyBank) -> None:
    """As an import makes it: the account is recorded later than its entries."""
    with unguarded():
        opened = OCTOBER.replace(day=20)
        execute(f"DELETE FROM {S} WHERE account_id = '{bank.ada.pk.hex}'")
        assert Account.objects.filter(pk=bank.ada.pk).update(created_at=opened) == 1
        standing = standing_of(bank.ada.pk)
        assert standing.began_at == SEPTEMBER.replace(day=10)
        months = [str(month) for month in missing_for_account(bank.ada.pk, Month.parse("2025-10"))]
        assert months == ["2025-09", "2025-10"]
        assert len(missing_for_account(bank.ada.pk, Month.parse("2025-09"))) == 1
