"""The database keeps seals and sealed ranges as they were made."""

from pathlib import Path

import pytest
from django.db import IntegrityError

from core.database_objects import DatabaseObject
from seals.guards import OBJECTS, RANGES, SEALS
from seals.sealing import seal
from seals.tests.sealing_bank import make_sealed_bank, without_guards
from tests.assertions import require_control
from transactions.tests.damaged_ledger import execute

pytestmark = pytest.mark.django_db(transaction=True)


# A CASCADE from the seals also meets the guard of the ranges.
ALONE = [guard for guard in OBJECTS if guard.name != f"{SEALS}_no_truncate"]


@pytest.mark.parametrize("guard", ALONE, ids=lambda guard: guard.name)
def test_without_its_guard_it_goes_through(keyed: Path, guard: DatabaseObject) -> None:
    make_sealed_bank()
    seal()
    if guard.name == f"{SEALS}_no_delete":
        with without_guards():
            execute(f"DELETE FROM {RANGES}")  # They refer to their seal.

    def forbidden() -> None:
        if guard.name.endswith("_no_truncate"):
            execute(f"TRUNCATE {guard.table}")
        elif guard.name.endswith("_no_delete"):
            execute(f"DELETE FROM {guard.table}")
        else:
            column = "entries" if guard.table == SEALS else "last_sequence"
            execute(f"UPDATE {guard.table} SET {column} = {column}")

    require_control(guard, forbidden)


@pytest.mark.postgresql
def test_seals_are_never_truncated(keyed: Path) -> None:
    with pytest.raises(IntegrityError):
        execute(f"TRUNCATE {SEALS} CASCADE")
