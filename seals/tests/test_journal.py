"""The reads of the journal cost what the new entries cost, not what the whole journal does."""

from uuid import uuid4

import pytest
from django.db import connection

from seals.journal import Slice, entries_of
from seals.tests.sealing_bank import make_sealed_bank
from tests.plans import nodes, plan_of, statements_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_entries_of_thousands_of_slices_are_looked_up_by_index() -> None:
    """A merge or hash join of so many slices would read and sort the whole journal."""
    bank = make_sealed_bank()
    slices = [Slice(bank.ada.id, 2, 3), *(Slice(uuid4(), 1, 1) for _ in range(5_000))]
    found = list(entries_of(connection, slices))
    assert [(one.account_id, one.sequence) for one in found] == [(bank.ada.id, 2), (bank.ada.id, 3)]
    (statement,) = statements_of(lambda: list(entries_of(connection, slices)))
    plan = list(nodes(plan_of(statement)))
    joins = [node["Node Type"] for node in plan if node.get("Join Type")]
    assert joins == ["Nested Loop", "Nested Loop"]
