"""Parameters of a query: checked by their serializer, or known to be right without it."""

import pytest
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.filters import AccountQuery
from core.api.requests import PageQuery, parse_query
from core.api.serializers import StrictSerializer
from core.errors import InvalidInput
from transactions.api.bodies import BalanceQuery


class _Required(PageQuery):
    by = serializers.CharField()


class _WithDefault(StrictSerializer):
    by = serializers.CharField(default="day")


class _WithRule(StrictSerializer):
    by = serializers.CharField(required=False)

    def validate(self, attrs: dict[str, str]) -> dict[str, str]:
        raise serializers.ValidationError({"by": ["Say by what."]})


def parsed(serializer: type[StrictSerializer], query: str) -> dict[str, str] | list[str]:
    """The values, or the pointers and codes of the errors."""
    request = Request(APIRequestFactory().get(f"/?{query}"))
    try:
        return parse_query(serializer, request)
    except InvalidInput as refusal:
        return [f"{error.pointer} {error.code}" for error in refusal.errors]


@pytest.mark.parametrize(
    "query",
    ["", "cursor=KzA-_9", "page_size=5", "page_size=5&cursor=KzA", "cursor=KzA&page_size=999"],
)
def test_a_page_alone_has_no_values(query: str) -> None:
    assert parsed(AccountQuery, query) == {}


@pytest.mark.parametrize(
    ("serializer", "query", "found"),
    [
        (AccountQuery, "page_size=5&page_size=5", ["page_size repeated"]),
        (AccountQuery, "cursor=a&page_size=1&cursor=a", ["cursor repeated"]),
        (AccountQuery, "cursor=", ["cursor blank"]),
        (AccountQuery, "cursor=a%00", ["cursor null_characters_not_allowed"]),
        (AccountQuery, "cursor=a&colour=red", ["colour unknown_field"]),
        (AccountQuery, "page_size=5&currency=USD", {"page_size": "5", "currency": "USD"}),
        (BalanceQuery, "", {}),
        (BalanceQuery, "page_size=5", ["page_size unknown_field"]),
        (_Required, "", ["by required"]),
        (_Required, "page_size=5", ["by required"]),
        (_WithDefault, "", {"by": "day"}),
        (_WithRule, "", ["by invalid"]),
    ],
)
def test_all_else_is_checked(
    serializer: type[StrictSerializer], query: str, found: dict[str, str] | list[str]
) -> None:
    assert parsed(serializer, query) == found
