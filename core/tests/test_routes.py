"""A path is resolved as Django resolves it, however often its route was resolved before."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.urls import Resolver404, ResolverMatch, get_resolver, resolve

from core.api import routes
from tests.api import API

IDS = [str(uuid4()), str(uuid4()).upper(), "x" * 36, "-" * 36, "1" * 36, "1", ""]
PATHS = [
    "accounts/{}/",
    "accounts/{}/transfer/",
    "accounts/{}/transfer",
    "accounts/{}/{}/",
    "accounts/{}x/transfer/",
    "accounts/",
    "accounts/{}/nothing/",
    "transactions/{}/",
    "transactions/{}/reverse/",
    "transactions/batch/",
    "limit_requests/{}/approve/",
    "{}/",
    "oauth/token/",
]


def outcome(find: Callable[[str], ResolverMatch], path: str) -> Any:
    try:
        match = find(path)
    except Resolver404:
        return None
    return vars(match) | {"func": match.func, "tried": None}


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_resolved_as_by_django(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_known", {})
    for _ in range(2):
        for each in IDS:
            full = f"{API}{path.format(each, each)}"
            assert outcome(routes.resolved, full) == outcome(resolve, full)


def test_only_routes_are_remembered_and_not_what_somebody_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known: dict[Any, Any] = {}
    monkeypatch.setattr(routes, "_known", known)
    for path in PATHS:
        for _ in range(3):
            outcome(routes.resolved, f"{API}{path.format(uuid4(), uuid4())}")
    remembered = {(before, after) for _, before, after in known}
    assert remembered == {
        (f"{API}accounts", ""),
        (f"{API}accounts", "transfer/"),
        (f"{API}transactions", ""),
        (f"{API}transactions", "reverse/"),
        (f"{API}limit_requests", "approve/"),
    }


def test_a_remembered_route_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{API}accounts/{uuid4()}/"
    routes.resolved(path)
    monkeypatch.setattr(routes, "resolve", None)
    assert routes.resolved(path).url_name == "account-detail"
    assert get_resolver() in {shape[0] for shape in routes._known}
