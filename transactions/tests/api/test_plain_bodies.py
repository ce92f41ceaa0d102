"""A body without errors is read field by field, exactly as the framework reads it."""

from decimal import Decimal
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.serializers import OpenAccountBody, ReasonBody
from core.api.serializers import StrictSerializer
from transactions.api.bodies import AmountBody, TransferBody
from transactions.models.transaction import MAX_DESCRIPTION_LENGTH

ID = str(uuid4())
# Of each member: left out, right, null, and wrong in several ways.
LEFT_OUT = object()
VALUES: dict[str, list[Any]] = {
    "amount": [LEFT_OUT, "5.00", 5, Decimal("5.5"), None, "5,00", "", True, []],
    "target_account_id": [LEFT_OUT, ID, ID.upper(), None, "x", 5],
    "description": [
        LEFT_OUT,
        "rent",
        "",
        "  ",
        None,
        "x" * (MAX_DESCRIPTION_LENGTH + 1),
        "\x00",
        5,
    ],
    "effective_at": [LEFT_OUT, "2026-01-31T09:30:00+01:00", None, "2026-01-31"],
    "unknown": [LEFT_OUT, 1],
}
OTHERS: list[tuple[type[StrictSerializer], Any]] = [
    (AmountBody, {}),
    (AmountBody, []),
    (AmountBody, None),
    (ReasonBody, {"reason": " "}),
    (ReasonBody, {"reason": "a mistake"}),
    (OpenAccountBody, {"name": "Ada", "currency": "USD", "initial_balance": "1.00"}),
    (OpenAccountBody, {"name": "Ada", "currency": "XXX", "metadata": {"a": "b"}}),
    (OpenAccountBody, {"name": "Ada", "metadata": {"a": "b"}, "owner": None}),
]


def outcome(run_validation: Any, data: Any) -> Any:
    try:
        return list(run_validation(data).items())
    except ValidationError as error:
        return error.get_full_details()


def bodies() -> list[dict[str, Any]]:
    return [
        {name: value for name, value in zip(VALUES, values, strict=True) if value is not LEFT_OUT}
        for values in product(*VALUES.values())
    ]


def test_a_plain_body_reads_as_by_the_framework() -> None:
    serializer, by_framework = TransferBody(), serializers.Serializer.run_validation
    plain = 0
    for body in bodies():
        found = outcome(serializer.run_validation, body)
        assert found == outcome(lambda data: by_framework(serializer, data), body), body
        plain += serializer._read_plain(body) is not None
    # All right values of each member: neither a null, nor an error, nor an unknown name.
    assert plain == 3 * 2 * 4 * 2


@pytest.mark.parametrize(("kind", "data"), OTHERS)
def test_other_bodies_read_as_by_the_framework(kind: type[StrictSerializer], data: Any) -> None:
    serializer = kind()
    found = outcome(serializer.run_validation, data)
    assert found == outcome(
        lambda given: serializers.Serializer.run_validation(serializer, given), data
    )


class Ruled(StrictSerializer):
    first = serializers.IntegerField()
    second = serializers.IntegerField(source="other")

    def validate_first(self, value: int) -> int:
        return value + 1


def test_a_serializer_with_its_own_rules_is_left_to_the_framework() -> None:
    assert Ruled().run_validation({"first": 1, "second": 2}) == {"first": 2, "other": 2}
