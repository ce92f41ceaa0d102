"""Reads with prepared SQL: they return the rows of their query, for all values."""

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from core.money import raw_units
from core.sql.reads import _MOST_TEXTS, ShapedRead
from tests.api import make_user
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def build(limit: int, *, owner_id: int, first: UUID) -> QuerySet[Account, Any]:
    accounts = Account.objects.filter(owner=owner_id, id__gte=first, name__contains="50%")
    columns = ("id", "created_at", "metadata", raw_units("balance"), "owner__username")
    return accounts.exclude(name="D'Arcy \\ 50%").order_by("id").values_list(*columns)[:limit]


def test_it_reads_the_rows_of_its_query_for_each_shape_and_each_value() -> None:
    owners = [make_user("ada"), make_user("grace")]
    names = ("50% one", "50% two", "D'Arcy \\ 50%", "51 one", "50% three")
    made = {
        owner.pk: [
            make_account(name=name, owner_id=owner.pk, balance="7.25", metadata={"a": "1%"})
            for name in names
        ]
        for owner in owners
    }
    read = ShapedRead(build)
    for _ in range(7):  # From the sixth run on, PostgreSQL may use a generic plan.
        for limit in (2, 5):
            for owner in owners:
                for first, found in ((0, (0, 1, 4)), (1, (1, 4)), (4, (4,))):
                    accounts = [made[owner.pk][index] for index in found][:limit]
                    expected = [
                        (one.id, one.created_at, {"a": "1%"}, 72500, owner.username)
                        for one in accounts
                    ]
                    values = {"owner_id": owner.pk, "first": made[owner.pk][first].id}
                    assert read(limit, **values) == expected
                    assert read.unprepared(limit, **values) == expected


@pytest.mark.postgresql
def test_django_writes_the_text_once_and_constants_are_in_it() -> None:
    built = []

    def counting(*shape: Any, **values: Any) -> QuerySet[Account, Any]:
        built.append(shape)
        return build(*shape, **values)

    read = ShapedRead(counting)
    with CaptureQueriesContext(connection) as queries:
        for number in (1, 2, 2):
            read(number, owner_id=number, first=UUID(int=number))
    assert built == [(1,), (2,)]
    texts = [query["sql"] for query in queries]
    assert len(set(texts)) == 2
    assert all("D''Arcy" in text for text in texts)


@pytest.mark.postgresql
def test_it_keeps_a_limited_number_of_texts() -> None:
    read = ShapedRead(build)
    for limit in range(1, 2 * _MOST_TEXTS):
        assert read.unprepared(limit, owner_id=1, first=UUID(int=1)) == []
        assert len(read._texts) <= _MOST_TEXTS
