"""The database keeps what was uploaded and decided."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from core.database_objects import DatabaseObject
from desk.decisions import reject
from desk.guards import GUARDS
from desk.models import DeskFile
from desk.tests.files import Desk, transfers
from tests.assertions import require_control
from tests.factories import make_account
from transactions.tests.damaged_ledger import execute


@pytest.fixture
def file(desk: Desk) -> DeskFile:
    return desk.upload(transfers(make_account(balance=9), make_account(), "1", "2"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_without_its_guard_it_goes_through(
    guard: DatabaseObject, file: DeskFile, desk: Desk
) -> None:
    if guard.name.endswith("_no_truncate") and connection.vendor == "sqlite":
        pytest.skip("SQLite has no TRUNCATE.")
    if guard.name == "desk_file_decision":
        reject(file.pk, desk.maker, "No")
    born = DeskFile.objects.get()
    born.pk, born.digest = born.pk.__class__(int=7), "other"
    if guard.name == "desk_deskfile_no_delete":  # Without a content, which needs its file.
        born.save(force_insert=True)
    born.done = 1
    change: dict[str, Any] = {
        "desk_deskfile_no_delete": "DELETE FROM desk_deskfile WHERE digest = 'other'",
        "desk_deskcontent_no_delete": "DELETE FROM desk_deskcontent",
        "desk_deskcontent_no_truncate": "TRUNCATE desk_deskcontent",
        "desk_deskcontent_no_update": "UPDATE desk_deskcontent SET content = content",
        "desk_file_birth": lambda: born.save(force_insert=True),
        "desk_file_identity": "UPDATE desk_deskfile SET name = 'other.csv'",
        "desk_file_moves": "UPDATE desk_deskfile SET status = 'POSTED', decided_at = uploaded_at,"
        f" decided_by_id = {desk.checker.user_id}",
        "desk_file_decision": "UPDATE desk_deskfile SET decision_reason = 'Yes'",
    }[guard.name]
    require_control(guard, change if callable(change) else lambda: execute(change))


@pytest.mark.django_db
def test_the_database_refuses_what_cannot_be(file: DeskFile, desk: Desk) -> None:
    decided = {"decided_at": file.uploaded_at, "status": "APPROVED"}
    for wrong in (
        {"done": 3},
        {"decided_at": file.uploaded_at},
        {"decided_by": desk.maker.user_id, **decided},
        decided,
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            DeskFile.objects.filter(pk=file.pk).update(**wrong)
    file.pk = file.pk.__class__(int=7)
    with pytest.raises(IntegrityError), transaction.atomic():
        file.save(force_insert=True)
