"""The database keeps statements as they were issued, and refuses one that does not join."""

from contextlib import nullcontext
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from core.database_objects import DatabaseObject
from core.identifiers import uuid7
from core.money import MAX_TOTAL, UNITS_PER_MAIN
from statements.guards import GUARDS, STATEMENTS
from statements.models import Statement
from statements.tests.monthly_bank import DECEMBER, MonthlyBank
from tests.assertions import nothing_changes, require_control
from transactions.tests.damaged_ledger import execute

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def last(bank: MonthlyBank) -> Statement:
    return bank.ada.statements.get(number=2)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE statements_statement SET closing_balance = closing_balance",
        "UPDATE statements_statement SET digest = 'x' WHERE number = 1",
        "DELETE FROM statements_statement",
    ],
)
def test_statements_are_never_changed_or_deleted(last: Statement, statement: str) -> None:
    with nothing_changes(), pytest.raises(IntegrityError):
        execute(statement)
    assert Statement.objects.count() == 5


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_its_guard_it_goes_through(last: Statement, guard: DatabaseObject) -> None:
    def forbidden() -> None:
        if guard.name.endswith("_no_truncate"):
            execute(f"TRUNCATE {STATEMENTS} CASCADE")
        elif guard.name.endswith("_no_delete"):
            execute(f"DELETE FROM {STATEMENTS} WHERE number > 1")
        elif guard.name.endswith("_no_update"):
            execute(f"UPDATE {STATEMENTS} SET period = period")
        else:
            following(last, opening_balance=Decimal(1), closing_balance=Decimal(1)).save(
                force_insert=True
            )

    require_control(guard, forbidden)


@pytest.mark.postgresql
def test_statements_are_never_truncated(last: Statement) -> None:
    with pytest.raises(IntegrityError):
        execute("TRUNCATE statements_statement CASCADE")


def following(last: Statement, **changed: Any) -> Statement:
    """The statement of November, without entries."""
    values = {
        "id": uuid7(DECEMBER),
        "account": last.account,
        "number": 3,
        "period": "2025-11",
        "starts_at": last.ends_at,
        "ends_at": DECEMBER,
        "time_zone": "UTC",
        "currency": "USD",
        "first_sequence": last.last_sequence + 1,
        "last_sequence": last.last_sequence,
        "count": 0,
        "opening_balance": last.closing_balance,
        "closing_balance": last.closing_balance,
        "total_debits": Decimal(0),
        "total_credits": Decimal(0),
        "previous": last,
        "secret": "0" * 64,
        "digest": "0" * 64,
        "issued_at": DECEMBER,
    }
    return Statement(**values | changed)


def insert(statement: Statement) -> None:
    with transaction.atomic():
        Statement.objects.bulk_create([statement])


def test_one_that_joins_is_taken(last: Statement) -> None:
    insert(following(last))
    assert last.next.number == 3


@pytest.mark.parametrize(
    "changed",
    [
        {"number": 4},
        {"number": 2},
        {"period": "2025-10"},
        {"first_sequence": 5, "last_sequence": 4},
        {"first_sequence": 3, "last_sequence": 2},
        {"count": 1},
        {"opening_balance": Decimal(1), "closing_balance": Decimal(1)},
        {"closing_balance": Decimal(1)},
        {"total_debits": Decimal(-1), "total_credits": Decimal(-1)},
        {"starts_at": DECEMBER.replace(day=2), "ends_at": DECEMBER.replace(day=3)},
        {"currency": "EUR"},
        {"previous": None},
        {"secret": ""},
        {"number": 1, "previous": None, "first_sequence": 1, "last_sequence": 0},
    ],
    ids=str,
)
def test_one_that_does_not_join_is_refused(last: Statement, changed: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError):
        insert(following(last, **changed))


def test_sums_may_be_above_every_balance(last: Statement) -> None:
    insert(following(last, total_debits=MAX_TOTAL, total_credits=MAX_TOTAL))
    stored = last.next
    assert (stored.total_debits, stored.total_credits) == (MAX_TOTAL, MAX_TOTAL)


@pytest.mark.parametrize(("more", "is_taken"), [(0, True), (1, False)])
def test_the_database_itself_bounds_the_sums(last: Statement, more: int, is_taken: bool) -> None:
    total = int(MAX_TOTAL) * UNITS_PER_MAIN + more
    values = {
        "id": f"'{uuid7(DECEMBER).hex}'",
        "number": 3,
        "period": "'2025-11'",
        "starts_at": "ends_at",
        "ends_at": "'2025-12-01 00:00:00'",
        "first_sequence": "last_sequence + 1",
        "count": 0,
        "opening_balance": "closing_balance",
        "total_debits": total,
        "total_credits": total,
        "previous_id": "id",
        "digest": f"'{'0' * 64}'",
    }
    names = [field.column for field in Statement._meta.concrete_fields]
    selected = ", ".join(str(values.get(name, name)) for name in names)
    with nullcontext() if is_taken else pytest.raises(IntegrityError):
        execute(
            f"INSERT INTO statements_statement ({', '.join(names)}) SELECT {selected}"
            f" FROM statements_statement WHERE id = '{last.pk.hex}'"
        )


def test_one_of_another_account_is_refused(last: Statement) -> None:
    other = Statement.objects.exclude(account=last.account).get(number=2, account__name="Bob")
    with pytest.raises(IntegrityError):
        insert(following(last, account=other.account))
