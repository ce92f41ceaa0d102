"""Each CHECK and UNIQUE of the journal, and that none is missing here."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import CheckConstraint, UniqueConstraint

from accounts.models import CASH, internal_account_id
from core.money import MAX_BALANCE_UNITS
from tests.assertions import refused_by_database
from tests.factories import make_account
from transactions.models import ArchiveRun, Batch, Transaction, TransactionEvent
from transactions.tests.past_the_ledger import insert, queued_deposit, update

pytestmark = pytest.mark.django_db

MOMENT = datetime(2031, 1, 1, tzinfo=UTC)
POSTED = {
    "status": "COMPLETED",
    "completed_at": MOMENT,
    "credit_sequence": 1,
    "credit_balance_after": 1,
}
DEBITED = {"debit_sequence": 1, "debit_balance_after": 1}
NOT_CREDITED = {"credit_sequence": None, "credit_balance_after": None}
FAILED = {"status": "FAILED", "failure_code": "account_frozen"}

# Forbidden values of a new row of the journal.
REFUSED_ROWS: list[tuple[str, dict[str, Any]]] = [
    ("amount_positive", {"amount": 0}),
    ("amount_positive", {"amount": -1}),
    ("type_and_status_known", {"type": "FEE"}),
    ("posted_when_completed", POSTED | {"completed_at": None}),
    ("posted_when_completed", {"completed_at": MOMENT}),
    ("posted_when_completed", {"credit_sequence": 1, "credit_balance_after": 1}),
    ("posted_when_completed", DEBITED),
    ("posted_when_completed", FAILED | DEBITED),
    ("customer_sides_numbered", POSTED | DEBITED),
    ("customer_sides_numbered", POSTED | NOT_CREDITED),
    ("customer_sides_numbered", POSTED | {"type": "WITHDRAW"}),
    ("customer_sides_numbered", POSTED | DEBITED | {"type": "WITHDRAW"}),
    ("customer_sides_numbered", POSTED | {"type": "TRANSFER"}),
    ("customer_sides_numbered", POSTED | DEBITED | NOT_CREDITED | {"type": "TRANSFER"}),
    ("sequence_has_balance", POSTED | {"credit_balance_after": None}),
    ("sequence_has_balance", POSTED | {"debit_balance_after": 1}),
    ("failure_when_failed", {"status": "FAILED"}),
    ("failure_when_failed", {"failure_code": "account_frozen"}),
    ("failure_when_failed", POSTED | {"failure_detail": "x"}),
    ("reversal_names_original", {"type": "REVERSAL"}),
    ("idempotency_key_has_caller", {"idempotency_key": "k"}),
    ("idempotency_key_has_caller", {"idempotency_caller": "user:7"}),
    ("lease_while_processing", {"lease_token": uuid4(), "lease_expires_at": MOMENT}),
]
# Cases that need another row, or an earlier step.
TRIED_BELOW = {"accounts_differ", "maker_is_not_checker", "archived_when_settled"}


@pytest.mark.parametrize(("constraint", "columns"), REFUSED_ROWS)
def test_a_new_transaction_is_checked(constraint: str, columns: dict[str, Any]) -> None:
    account = make_account()
    with refused_by_database(f"transaction_{constraint}"):
        insert(queued_deposit(account, **columns))


def test_both_accounts_differ() -> None:
    account = make_account()
    row = queued_deposit(account, debit_account_id=account.id)
    # On SQLite the guard over both accounts comes first, and finds only one.
    with refused_by_database(r"transaction_accounts_differ|accounts of a transaction must exist"):
        insert(row)


def test_amounts_stay_in_range() -> None:
    row = queued_deposit(make_account())
    insert(row)
    for value in (MAX_BALANCE_UNITS + 1, -MAX_BALANCE_UNITS - 1):
        with refused_by_database("credit_balance_after"):
            update(
                row,
                "status = 'COMPLETED', completed_at = created_at, credit_sequence = 1,"
                f" credit_balance_after = {value}",
            )


def test_a_reversal_names_the_original_and_only_a_reversal_does() -> None:
    account = make_account(balance=7)
    original = Transaction.objects.get()
    with refused_by_database("transaction_reversal_names_original"):
        insert(queued_deposit(account, reverses=original))
    swapped = {
        "debit_account_id": account.id,
        "credit_account_id": internal_account_id(CASH, "USD"),
    }
    reversal = {"type": "REVERSAL", "reverses": original, **swapped}
    with refused_by_database("transaction_customer_sides_numbered"):
        insert(queued_deposit(account, **reversal, **POSTED | NOT_CREDITED))
    insert(queued_deposit(account, **reversal))
    with refused_by_database("transaction_reversed_once|reverses_id"):
        insert(queued_deposit(account, **reversal))
    # A failed one does not block another.
    failed = {"status": "FAILED", "failure_code": "insufficient_funds"}
    insert(queued_deposit(account, **reversal, **failed))


def test_nobody_approves_what_they_asked_for(django_user_model) -> None:
    maker = django_user_model.objects.create_user("maker")
    checker = django_user_model.objects.create_user("checker")
    account = make_account()
    with refused_by_database("transaction_maker_is_not_checker"):
        insert(queued_deposit(account, created_by=maker, approved_by=maker))
    insert(queued_deposit(account, created_by=maker, approved_by=checker))


def test_only_settled_rows_are_archived_and_only_by_a_run() -> None:
    row = queued_deposit(make_account())
    insert(row)
    archive_run = ArchiveRun.objects.create(id=uuid4(), started_at=MOMENT)
    key = archive_run.id.hex if connection.vendor == "sqlite" else str(archive_run.id)
    at, by = "archived_at = created_at", f"archive_run_id = '{key}'"
    with refused_by_database("transaction_archived_when_settled"):
        update(row, f"{at}, {by}")
    update(row, "status = 'FAILED', failure_code = 'cancelled'")
    for half in (at, by):
        with refused_by_database("transaction_archived_when_settled"):
            update(row, half)
    update(row, f"{at}, {by}")


def test_a_lease_has_a_token_and_an_end() -> None:
    row = queued_deposit(make_account())
    insert(row)
    token = uuid4().hex
    for half in (f"lease_token = '{token}'", "lease_expires_at = created_at"):
        with refused_by_database("transaction_lease_while_processing"):
            update(row, f"status = 'PROCESSING', {half}")
    update(row, f"status = 'PROCESSING', lease_token = '{token}', lease_expires_at = created_at")
    with refused_by_database("transaction_lease_while_processing"):
        update(row, "status = 'PENDING'")


@pytest.mark.parametrize(
    ("constraint", "columns", "other"),
    [
        ("credit_sequence", POSTED, POSTED),
        ("idempotency_key", *[{"idempotency_caller": "user:7", "idempotency_key": "k"}] * 2),
    ],
)
def test_unique_columns_are_unique(
    constraint: str, columns: dict[str, Any], other: dict[str, Any]
) -> None:
    account = make_account()
    insert(queued_deposit(account, **columns))
    with refused_by_database(constraint):
        insert(queued_deposit(account, **other))
    # Sequences belong to an account, and keys to a caller.
    differently = {"idempotency_caller": "user:8"} if "idempotency_key" in other else {}
    insert(queued_deposit(make_account(), **other | differently))


def test_a_debit_sequence_is_given_once() -> None:
    account = make_account()
    withdrawal = (
        POSTED
        | DEBITED
        | NOT_CREDITED
        | {
            "type": "WITHDRAW",
            "debit_account_id": account.id,
            "credit_account_id": internal_account_id(CASH, "USD"),
        }
    )
    insert(queued_deposit(account, **withdrawal))
    with refused_by_database("debit_sequence"):
        insert(queued_deposit(account, **withdrawal))


def test_places_in_a_batch_and_keys_of_batches_are_given_once() -> None:
    account = make_account()
    values = {"caller": "user:7", "idempotency_key": "k", "atomic": True, "created_at": MOMENT}
    batch = Batch.objects.create(id=uuid4(), **values)
    insert(queued_deposit(account, batch=batch, batch_index=0))
    with refused_by_database("batch_i"):
        insert(queued_deposit(account, batch=batch, batch_index=0))
    insert(queued_deposit(account, batch=batch, batch_index=1))
    with refused_by_database("idempotency_key"):
        Batch.objects.create(id=uuid4(), **values)


@pytest.mark.parametrize("column", ["from_status", "to_status"])
def test_the_states_of_an_event_are_known(column: str) -> None:
    row = queued_deposit(make_account())
    insert(row)
    states = {"from_status": "PENDING", "to_status": "FAILED"} | {column: "LOST"}
    with refused_by_database("transaction_event_status_known"):
        insert(TransactionEvent(id=uuid4(), transaction=row, event="x", at=MOMENT, **states))


def test_no_constraint_is_left_out() -> None:
    constraints = Transaction._meta.constraints
    checks = {item.name for item in constraints if isinstance(item, CheckConstraint)}
    tried = {name for name, _ in REFUSED_ROWS} | TRIED_BELOW
    assert {f"transaction_{name}" for name in tried} == checks
    unique = {item.name for item in constraints if isinstance(item, UniqueConstraint)}
    assert unique == {
        "transaction_debit_sequence_unique",
        "transaction_credit_sequence_unique",
        "transaction_idempotency_key_unique",
        "transaction_batch_index_unique",
        "transaction_reversed_once",
    }
