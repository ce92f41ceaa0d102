"""AmountField against a real table of the database under test."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.core import serializers
from django.core.exceptions import FieldError, ValidationError
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F, Max, Sum, Value
from django.db.models.functions import Coalesce

from core.money import MAX_BALANCE, MAX_BALANCE_UNITS, AmountField


class Purse(models.Model):
    """A table of amounts only."""

    amount = AmountField()
    optional = AmountField(null=True)
    objects: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        app_label = "core"
        managed = False
        db_table = "core_test_purse"


@pytest.fixture(scope="module", autouse=True)
def purse_table(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.schema_editor() as editor:
            editor.create_model(Purse)
        yield
        with connection.schema_editor() as editor:
            editor.delete_model(Purse)


pytestmark = pytest.mark.django_db


def _stored_units() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT amount FROM core_test_purse ORDER BY id")
        return [units for (units,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (Decimal("12.34"), 123_400),
        (Decimal("-0.0001"), -1),
        (5, 50_000),
        ("7.5", 75_000),
        ("-7.5", -75_000),
        (MAX_BALANCE, MAX_BALANCE_UNITS),
        (-MAX_BALANCE, -MAX_BALANCE_UNITS),
        (Decimal("99999999999999.9999"), MAX_BALANCE_UNITS - 1),
    ],
)
def test_main_units_are_kept_as_units_and_read_exactly(value: Any, units: int) -> None:
    Purse.objects.create(amount=value)
    assert _stored_units() == [units]
    purse = Purse.objects.get()
    assert purse.amount == Decimal(units) / 10_000
    assert type(purse.amount) is Decimal
    assert purse.optional is None


@pytest.mark.parametrize(
    "value",
    [Decimal("0.00001"), 1.0, True, "1e3", "--1", "", object(), Decimal("NaN")]
    + [MAX_BALANCE + Decimal("0.0001"), -MAX_BALANCE - 1, Decimal("1E+30")],
)
def test_an_amount_that_does_not_fit_is_refused_everywhere(value: Any) -> None:
    for write in (
        lambda: Purse.objects.create(amount=value),
        lambda: Purse.objects.bulk_create([Purse(amount=value), Purse(amount=1)]),
        lambda: Purse.objects.update(amount=value),
        lambda: Purse.objects.filter(amount__gte=value).count(),
    ):
        with pytest.raises(ValueError), transaction.atomic():
            write()
    with pytest.raises(ValidationError):
        Purse(amount=value).full_clean()
    assert Purse.objects.count() == 0


def test_the_database_holds_the_range() -> None:
    purse = Purse.objects.create(amount=1)
    for column in ("amount", "optional"):
        for units in (MAX_BALANCE_UNITS + 1, -MAX_BALANCE_UNITS - 1):
            with (
                pytest.raises(IntegrityError),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"UPDATE core_test_purse SET {column} = {units}")
    purse.refresh_from_db()
    assert (purse.amount, purse.optional) == (Decimal(1), None)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL columns are typed.")
@pytest.mark.parametrize("value", ["1.5", "'x'", "x'01'", "9223372036854775807 + 1"])
@pytest.mark.parametrize("column", ["amount", "optional"])
def test_sqlite_holds_the_type_too(value: str, column: str) -> None:
    Purse.objects.create(amount=1)
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE core_test_purse SET {column} = {value}")
    assert _stored_units() == [10_000]


def test_sums_are_exact_where_floats_are_not() -> None:
    amounts = [Decimal("99999999999999.9999"), Decimal("0.0001"), Decimal("-0.3")]
    Purse.objects.bulk_create(Purse(amount=amount) for amount in amounts)
    total = Purse.objects.aggregate(total=Sum("amount"))["total"]
    assert total == Decimal("99999999999999.7")
    assert type(total) is Decimal
    assert Purse.objects.aggregate(most=Max("amount"))["most"] == amounts[0]
    assert Purse.objects.aggregate(total=Sum("optional"))["total"] is None


def test_a_sum_has_the_lookups_and_defaults_of_an_amount() -> None:
    Purse.objects.create(amount="1.5")
    sums = Purse.objects.values("optional").annotate(total=Sum("amount"))
    assert sums.filter(total__gte=Decimal("1.5")).count() == 1
    assert sums.filter(total__gt="1.5").count() == 0
    zero = Value(Decimal(0), output_field=AmountField())
    nothing = Purse.objects.aggregate(total=Coalesce(Sum("optional"), zero))
    assert nothing == {"total": Decimal(0)}


@pytest.mark.parametrize(
    ("lookup", "count"),
    [
        ({"amount": "1.5"}, 1),
        ({"amount__gte": Decimal("1.5")}, 2),
        ({"amount__gt": "1.5"}, 1),
        ({"amount__lt": 2}, 1),
        ({"amount__in": [Decimal("1.50"), "20"]}, 2),
        ({"amount__range": ("1.5", "20")}, 2),
        ({"optional__isnull": True}, 2),
    ],
)
def test_lookups_compare_main_units(lookup: dict[str, Any], count: int) -> None:
    Purse.objects.bulk_create([Purse(amount="1.5"), Purse(amount=20)])
    assert Purse.objects.filter(**lookup).count() == count


def test_updates_in_bulk_keep_main_units() -> None:
    purses = Purse.objects.bulk_create([Purse(amount=1), Purse(amount=2)])
    for purse, amount in zip(purses, ("3.5", "4.25"), strict=True):
        purse.amount = Decimal(amount)
    Purse.objects.bulk_update(purses, ["amount"])
    assert _stored_units() == [35_000, 42_500]
    Purse.objects.update(optional=F("amount"))
    assert Purse.objects.aggregate(total=Sum("optional")) == {"total": Decimal("7.75")}


def test_arithmetic_that_would_mix_units_is_refused() -> None:
    purse = Purse.objects.create(amount=1)
    with pytest.raises(FieldError):
        Purse.objects.annotate(more=F("amount") + Decimal(5)).get()
    with pytest.raises(FieldError):
        Purse.objects.aggregate(total=Sum(F("amount") + 5))
    with pytest.raises(FieldError):
        Purse.objects.annotate(more=F("amount") * 2).values_list("more").get()
    purse.amount = F("amount") + Decimal(5)
    with pytest.raises(FieldError, match="not an expression"), transaction.atomic():
        purse.save()
    assert _stored_units() == [10_000]


@pytest.mark.parametrize("format_name", ["json", "python", "xml"])
def test_it_survives_serialization(format_name: str) -> None:
    Purse.objects.create(amount="-12345.6789")
    data = serializers.serialize(format_name, Purse.objects.all())
    (loaded,) = serializers.deserialize(format_name, data)
    purse: Any = loaded.object
    assert (purse.amount, purse.optional) == (Decimal("-12345.6789"), None)


def test_it_can_be_deconstructed_for_migrations() -> None:
    name, path, args, kwargs = AmountField(null=True, default=Decimal(0)).deconstruct()
    assert (name, path, args) == (None, "core.money.AmountField", [])
    assert kwargs == {"null": True, "default": Decimal(0)}


def test_its_form_field_takes_main_units() -> None:
    form_field: Any = Purse._meta.get_field("amount").formfield()
    assert form_field.clean("12.3456") == Decimal("12.3456")
    for wrong in ("1.00001", "100000000000001", "x"):
        with pytest.raises(ValidationError):
            form_field.clean(wrong)
