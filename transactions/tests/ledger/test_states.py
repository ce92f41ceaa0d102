import itertools

import pytest

from core.errors import InvalidTransition
from tests.assertions import refused_by_database
from tests.factories import make_account
from transactions.models import Transaction
from transactions.states import (
    INITIAL,
    OPEN,
    TRANSITIONS,
    TransactionStatus,
    can_move,
    check_move,
)
from transactions.tests.past_the_ledger import insert, queued_deposit, update

PENDING, PROCESSING, COMPLETED, FAILED = TransactionStatus

# Repeated on purpose: the table must not change by accident.
ALLOWED = {
    (PENDING, PROCESSING),
    (PENDING, COMPLETED),
    (PENDING, FAILED),
    (PROCESSING, COMPLETED),
    (PROCESSING, FAILED),
    (PROCESSING, PENDING),
    (FAILED, PENDING),
}
ALL_PAIRS = list(itertools.product(TransactionStatus, repeat=2))

# The columns that the CHECKs require in each state.
COLUMNS = {
    PENDING: "status = 'PENDING', failure_code = '', completed_at = NULL, "
    "credit_sequence = NULL, credit_balance_after = NULL",
    PROCESSING: "status = 'PROCESSING', failure_code = ''",
    COMPLETED: "status = 'COMPLETED', failure_code = '', completed_at = created_at, "
    "credit_sequence = 1, credit_balance_after = 10000",
    FAILED: "status = 'FAILED', failure_code = 'account_frozen'",
}


def test_the_table_has_these_steps_and_no_others() -> None:
    assert {(one, other) for one, others in TRANSITIONS.items() for other in others} == ALLOWED
    assert set(TRANSITIONS) == set(TransactionStatus)
    assert {PENDING, COMPLETED, FAILED} == INITIAL
    assert {PENDING, PROCESSING} == OPEN


@pytest.mark.parametrize(("current", "target"), ALL_PAIRS)
def test_every_other_step_is_an_invalid_transition(
    current: TransactionStatus, target: TransactionStatus
) -> None:
    assert can_move(current, target) is ((current, target) in ALLOWED)
    if (current, target) in ALLOWED:
        check_move(current, target)
    else:
        with pytest.raises(InvalidTransition) as caught:
            check_move(current, target)
        assert caught.value.detail == f"A transaction cannot go from {current} to {target}."


@pytest.mark.django_db
@pytest.mark.parametrize(("current", "target"), ALL_PAIRS)
def test_the_database_walks_the_same_table(
    current: TransactionStatus, target: TransactionStatus
) -> None:
    row = queued_deposit(make_account())
    insert(row)
    if current is not PENDING:
        update(row, COLUMNS[current])
    if current == target:
        update(row, f"status = '{target}'")
    elif (current, target) in ALLOWED:
        update(row, COLUMNS[target])
    else:
        with refused_by_database(r"moves along its table|never changes"):
            update(row, COLUMNS[target])
    assert status_of(row) == (target if (current, target) in ALLOWED else current)


@pytest.mark.django_db
def test_no_transaction_is_born_in_process() -> None:
    account = make_account()
    with refused_by_database("born pending, completed or failed"):
        insert(queued_deposit(account, status=PROCESSING))
    insert(queued_deposit(account))
    insert(queued_deposit(account, status=FAILED, failure_code="account_frozen"))
    assert Transaction.objects.count() == 2


def status_of(row: Transaction) -> str:
    return Transaction.objects.values_list("status", flat=True).get(pk=row.pk)
