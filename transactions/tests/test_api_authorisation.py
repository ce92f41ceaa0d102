"""Who may do what: every route, verb and kind of caller. A route without a row fails."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.commands import FreezeAccount
from accounts.models import Account
from accounts.states import FreezeScope
from tests.api import ADDRESS, API, ApiClient, account_path, anonymous, client_of, make_user
from tests.assertions import everything
from tests.factories import deposit, make_account, run

IDENTITIES = ("anonymous", "owner", "stranger", "no role", "auditor", "teller", "supervisor")

Expected = tuple[int, ...]
# What each of IDENTITIES gets.
PUBLIC: Expected = (200, 200, 200, 200, 200, 200, 200)
LIST: Expected = (401, 200, 200, 403, 200, 200, 200)
READ: Expected = (401, 200, 404, 403, 200, 200, 200)
TRANSFER: Expected = (401, 200, 404, 403, 403, 200, 200)
WORK: Expected = (401, 403, 403, 403, 403, 200, 200)
OPEN: Expected = (401, 403, 403, 403, 403, 201, 201)
DECIDE: Expected = (401, 403, 403, 403, 403, 403, 200)

REASON = {"reason": "Because"}
MATRIX: dict[tuple[str, str], tuple[Expected, dict[str, Any]]] = {
    ("health", "get"): (PUBLIC, {}),
    ("health-ready", "get"): (PUBLIC, {}),
    ("schema", "get"): (PUBLIC, {}),
    ("swagger", "get"): (PUBLIC, {}),
    ("account-list", "get"): (LIST, {}),
    ("account-list", "post"): (OPEN, {"name": "Grace", "initial_balance": "5"}),
    ("account-detail", "get"): (READ, {}),
    ("account-detail", "patch"): (WORK, {"name": "Grace"}),
    ("account-deposit", "post"): (WORK, {"amount": "5"}),
    ("account-withdraw", "post"): (WORK, {"amount": "3"}),
    ("account-transfer", "post"): (TRANSFER, {"amount": "3"}),
    ("account-freeze", "post"): (DECIDE, {**REASON, "scope": "credits"}),
    ("account-unfreeze", "post"): (DECIDE, REASON),
    ("account-close", "post"): (DECIDE, REASON),
    ("account-overdraft-limit", "post"): (DECIDE, {**REASON, "overdraft_limit": "5"}),
    ("account-transactions", "get"): (READ, {}),
    ("account-entries", "get"): (READ, {}),
    ("account-balance", "get"): (READ, {}),
    ("transaction-list", "get"): (LIST, {}),
    ("transaction-detail", "get"): (READ, {}),
}
# Clients authenticate there by their own credentials, not as users: see clients/tests.
NOT_FOR_USERS = {"oauth-token", "oauth-revoke", "oauth-introspect"}
CODES = {401: "not_authenticated", 403: "permission_denied", 404: "not_found"}


def routes() -> Iterator[tuple[str, str, str]]:
    """Name, verb and path pattern of every route under /api/v1/."""
    yield from _routes(get_resolver().url_patterns, "")


def _routes(patterns: list[Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, path)
        elif path.startswith("api/") and pattern.name not in NOT_FOR_USERS:
            for verb in _verbs(pattern):
                yield pattern.name or path, verb, path


def _verbs(pattern: URLPattern) -> set[str]:
    view: Any = pattern.callback
    if hasattr(view, "actions"):
        return set(view.actions) - {"head"}
    verbs = {"get", "post", "put", "patch", "delete"}
    view_class = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return {verb for verb in verbs if hasattr(view_class, verb)}


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {(name, verb) for name, verb, _ in routes()} == MATRIX.keys()


class Bank:
    """An account of a customer with one deposit, frozen if it is to be unfrozen."""

    def __init__(self, route: str) -> None:
        self.owner = make_user("owner")
        self.account = make_account(owner_id=self.owner.id)
        self.target = make_account(balance=7)
        self.transaction_id = deposit(self.account, 100).id
        if route == "account-unfreeze":
            run(FreezeAccount(account_id=self.account.id, scope=FreezeScope.CREDITS))
        if route == "account-close":
            self.account = make_account(owner_id=self.owner.id)

    def client(self, identity: str) -> ApiClient:
        makers: dict[str, Callable[[], ApiClient]] = {
            "anonymous": anonymous,
            "owner": lambda: client_of(self.owner),
            "stranger": lambda: client_of(make_user("stranger")),
            "no role": lambda: client_of(make_user("no role", is_staff=True)),
        }
        if identity in makers:
            return makers[identity]()
        return client_of(make_user(identity, role=identity))


PATHS = {(name, verb): path for name, verb, path in routes()}


@pytest.mark.django_db
@pytest.mark.parametrize("identity", IDENTITIES)
@pytest.mark.parametrize("route", MATRIX, ids="-".join)
def test_the_matrix(route: tuple[str, str], identity: str) -> None:
    expected, body = MATRIX[route]
    status = expected[IDENTITIES.index(identity)]
    name, verb = route
    bank = Bank(name)
    path = "/" + PATHS[route].replace("<uuid:account_id>", str(bank.account.id)).replace(
        "<uuid:transaction_id>", str(bank.transaction_id)
    )
    if name == "account-transfer":
        body = {**body, "target_account_id": str(bank.target.id)}
    client = bank.client(identity)
    before = everything()
    response = getattr(client, verb)(path, body or None)
    assert response.status_code == status
    if status >= 400:
        assert response.json()["code"] == CODES[status]
        assert "errors" not in response.json()
    assert (everything() != before) == (verb != "get" and status < 300)


@pytest.mark.django_db
@pytest.mark.parametrize("identity", ["no role", "auditor", "teller"])
def test_who_may_not_do_it_learns_nothing_of_what_is_there(identity: str) -> None:
    """Refused before the body is read or the account is looked for."""
    bank = Bank("")
    client = bank.client(identity)
    missing = "019ab0c4-6d2e-7a41-8000-3f5e0c9d1b27"
    answers = {
        client.post(account_path(account, "close"), body).content
        for account in (bank.account, missing)
        for body in (REASON, {}, {"nonsense": True})
    }
    assert len(answers) == 1
    assert client.post_raw(account_path(missing, "close"), "{broken").status_code == 403


@pytest.mark.django_db
def test_a_superuser_of_the_staff_may_do_all_and_one_who_is_not_staff_nothing() -> None:
    account: Account = make_account()
    root = client_of(make_user("root", is_staff=True, is_superuser=True))
    assert root.post(account_path(account, "close"), REASON).status_code == 200
    odd = client_of(make_user("odd", is_staff=False, is_superuser=True))
    assert odd.get(account_path(account)).status_code == 404


@pytest.mark.django_db
def test_who_was_switched_off_is_out_at_once() -> None:
    user = make_user("teller", role="teller")
    client = client_of(user)
    assert client.get(f"{API}accounts/").status_code == 200
    user.is_active = False
    user.save()
    assert client.get(f"{API}accounts/").status_code == 401


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["Basic eDp5", "Bearer x", "Basic", "Nonsense", "Basic AHg6AHk="]
)
def test_wrong_credentials_are_401_with_a_challenge(header: str) -> None:
    client = ApiClient(REMOTE_ADDR=ADDRESS, headers={"Authorization": header})
    response = client.get(f"{API}accounts/")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"]
