"""Each list of a transaction's columns is complete, except for those excluded by name."""

from transactions.files.formats import TRANSACTIONS
from transactions.ledger.journal import AMOUNTS, COLUMNS
from transactions.models import Transaction

# Only a worker's claim and the archive write these, each in a statement of its own.
WRITTEN_LATER = {"lease_token", "lease_expires_at", "archived_at", "archive_run_id"}
# A file names people by user name, and omits claims, which end with the process,
# and the origin of a request, which is the bank's own.
BY_NAME_IN_FILES = {"created_by_id": "created_by", "approved_by_id": "approved_by"}
ORIGIN = {"request_id", "address"}
NOT_IN_FILES = {"lease_token", "lease_expires_at", "archived_at", "archive_run_id"} | ORIGIN


def columns() -> set[str]:
    return {str(field.column) for field in Transaction._meta.concrete_fields}


def test_a_row_of_the_journal_has_the_columns_of_the_model() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert set(COLUMNS) == columns() - WRITTEN_LATER
    kinds = {field.column: type(field).__name__ for field in Transaction._meta.concrete_fields}
    assert set(AMOUNTS) == {name for name, kind in kinds.items() if kind == "AmountField"}


def test_a_file_has_the_columns_of_the_model() -> None:
    found = {column.name for column in TRANSACTIONS.columns}
    expected = {BY_NAME_IN_FILES.get(name, name) for name in columns() - NOT_IN_FILES}
    assert found == expected
