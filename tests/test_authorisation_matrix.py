"""The authorisation matrix: the response for every identity x every route x every verb.

A route without a row in the table fails the test. The bank refuses what the table does not allow:
with 401 for anonymous callers, and with 405 if the route has no such verb.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from accounts.models import Account
from core.commands import Origin
from customers.models import Customer
from jobs.runs import ask_for
from seals import keys
from seals.tests.sealing_bank import made
from tests.api import API, account_path, make_user
from tests.factories import (
    deposit,
    make_account,
    make_customer,
    make_hold,
    make_limit_request,
    make_statement,
)
from tests.identities import IDENTITIES, Identity
from webhooks import endpoints as webhooks
from webhooks.replay import send_test

# A seal is made outside any database transaction.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture(autouse=True)
def _seal_key(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key and a file of heads for each test, so that the world can be sealed.

    And room for a webhook in each world.
    """
    monkeypatch.setattr(webhooks, "MOST_OF_A_USER", 10_000)
    settings.DATA_DIR, settings.SEAL_KEY = tmp_path, b""
    settings.SEAL_KEY_FILE = tmp_path / "seal_key.pem"
    keys.make_key(keys.key_path())


VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
FORM = "application/x-www-form-urlencoded"

AUDITORS = {"auditor", "teller", "supervisor", "superuser"}
TELLERS = {"teller", "supervisor", "superuser"}
SUPERVISORS = {"supervisor", "superuser"}
CUSTOMERS = {"owner", "customer", "customer in a group of staff"}


@dataclass(frozen=True)
class Rule:
    """The status for known callers: `ok` if `allowed`, 404 if `blind`, else 403.

    A token needs the `scope`, and for this body also `more_scopes`. The route takes `body` as JSON.
    """

    scope: str
    allowed: set[str]
    blind: set[str] = frozenset()  # type: ignore[assignment]
    ok: int = 200
    body: Any = None
    more_scopes: tuple[str, ...] = ()

    def status(self, identity: Identity) -> int:
        if identity.kind is None:
            return 401
        if identity.with_token and not {self.scope, *self.more_scopes} <= set(identity.scopes):
            return 403
        if identity.kind in self.allowed:
            return self.ok
        return 404 if identity.kind in self.blind else 403


OTHERS = CUSTOMERS - {"owner"}
REASON = {"reason": "It was asked for"}
AMOUNT = {"amount": "1.25"}
TRANSFER = {**AMOUNT, "target_account_id": "{target_id}"}
BATCH = {
    "transactions": [{"type": "WITHDRAW", "account_id": "{account_id}", "amount": "1.25"}],
}
OPENING = {"name": "Ada Lovelace", "initial_balance": "1.25"}
LIMIT = {"overdraft_limit": "7.00", **REASON}
LIMITS = {"max_amount": "70.00", "daily_amount": None, "daily_count": None, **REASON}


def own(scope: str) -> Rule:
    """Owners see it. Other customers get the response for a missing one."""
    return Rule(scope, AUDITORS | {"owner"}, blind=OTHERS)


def listed(scope: str) -> Rule:
    return Rule(scope, AUDITORS | CUSTOMERS)


class Public:
    """Open to all. A presented token must be valid, if the route looks at tokens."""

    def __init__(self, *, looks_at_tokens: bool) -> None:
        self.looks_at_tokens = looks_at_tokens

    def status(self, identity: Identity) -> int:
        return 401 if self.refuses(identity) else 200

    def refuses(self, identity: Identity) -> bool:
        return self.looks_at_tokens and identity.kind is None and identity.with_token


class ClientsOnly:
    """For clients with their secret, which none of the identities has."""

    def status(self, identity: Identity) -> int:
        return 401


PROBE, PAGE, CLIENTS = Public(looks_at_tokens=False), Public(looks_at_tokens=True), ClientsOnly()
READ, WRITE = "accounts:read", "accounts:write"
KNOW, ENTER = "customers:read", "customers:write"
LOOK, MOVE = "transactions:read", "transactions:write"
STATE = "statements:read"
SEE_NOTES, NOTE = "notes:read", "notes:write"
HEAR = "webhooks:read"
MOMENT, LATER = "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"
HOOK = {"url": "https://shop.example/hook"}
FEED: dict[str, Any] = {"more_scopes": ("events:read",)}
HOOKED = ("webhooks:write", SUPERVISORS | CUSTOMERS)
OWN_HOOK = ("webhooks:write", SUPERVISORS | {"owner"}, OTHERS)

TABLE: dict[str, dict[str, Any]] = {
    "health/": {"GET": PROBE},
    "health/ready/": {"GET": PROBE},
    "schema/": {"GET": PAGE},
    "swagger/": {"GET": PAGE},
    "oauth/token/": {"POST": CLIENTS},
    "oauth/revoke/": {"POST": CLIENTS},
    "oauth/introspect/": {"POST": CLIENTS},
    "accounts/": {
        "GET": listed(READ),
        "POST": Rule(WRITE, TELLERS, ok=201, body={"name": "Ada Lovelace"}),
    },
    "accounts/<account_id>/": {
        "GET": own(READ),
        "PATCH": Rule(WRITE, TELLERS, body={"name": "Ada King"}),
    },
    "accounts/<account_id>/balance/": {"GET": own(READ)},
    "accounts/<account_id>/balance/explain/": {"GET": own(READ)},
    "accounts/<account_id>/entries/": {"GET": own(LOOK)},
    "accounts/<account_id>/transactions/": {"GET": own(LOOK)},
    "accounts/<account_id>/deposit/": {"POST": Rule(MOVE, TELLERS, body=AMOUNT)},
    "accounts/<account_id>/withdraw/": {"POST": Rule(MOVE, TELLERS, body=AMOUNT)},
    "accounts/<account_id>/transfer/": {
        "POST": Rule(MOVE, TELLERS | {"owner"}, blind=OTHERS, body=TRANSFER)
    },
    "accounts/<account_id>/freeze/": {"POST": Rule(WRITE, SUPERVISORS, body=REASON)},
    "accounts/<account_id>/unfreeze/": {"POST": Rule(WRITE, SUPERVISORS, ok=409, body=REASON)},
    "accounts/<account_id>/close/": {"POST": Rule(WRITE, SUPERVISORS, ok=409, body=REASON)},
    "accounts/<account_id>/reopen/": {"POST": Rule(WRITE, SUPERVISORS, ok=409, body=REASON)},
    "accounts/<account_id>/release_debits/": {
        "POST": Rule(WRITE, SUPERVISORS, ok=409, body=REASON)
    },
    "accounts/<account_id>/overdraft_limit/": {"POST": Rule(WRITE, SUPERVISORS, body=LIMIT)},
    "accounts/<account_id>/limits/": {
        "GET": own(READ),
        "POST": Rule(WRITE, SUPERVISORS, body=LIMITS),
    },
    "accounts/<account_id>/customer/": {
        "POST": Rule(WRITE, SUPERVISORS, body={"customer": "{customer_id}", **REASON})
    },
    "customers/": {
        "GET": listed(KNOW),
        "POST": Rule(ENTER, TELLERS, ok=201, body={"name": "Ada Lovelace"}),
    },
    "customers/<customer_id>/": {
        "GET": own(KNOW),
        "PATCH": Rule(ENTER, TELLERS, body={"address": "London"}),
    },
    "customers/<customer_id>/user/": {
        "POST": Rule(ENTER, SUPERVISORS, ok=409, body={"user": "ada", **REASON})
    },
    "customers/<customer_id>/close/": {"POST": Rule(ENTER, SUPERVISORS, ok=409, body=REASON)},
    "customers/<customer_id>/reopen/": {"POST": Rule(ENTER, SUPERVISORS, ok=409, body=REASON)},
    **{
        f"{subject}s/<{subject}_id>/notes/": {
            "GET": Rule(SEE_NOTES, AUDITORS),
            "POST": Rule(NOTE, TELLERS, ok=201, body={"text": "Rang on Monday"}),
        }
        for subject in ("account", "customer", "transaction")
    },
    "accounts/<account_id>/hold/": {"POST": Rule(MOVE, TELLERS, ok=201, body=TRANSFER)},
    "accounts/<account_id>/holds/": {"GET": own(LOOK)},
    "holds/": {"GET": listed(LOOK)},
    "holds/<hold_id>/": {"GET": own(LOOK)},
    "holds/<hold_id>/capture/": {"POST": Rule(MOVE, TELLERS, body=AMOUNT)},
    "holds/<hold_id>/void/": {"POST": Rule(MOVE, TELLERS)},
    "limit_requests/": {"GET": Rule(READ, AUDITORS)},
    "limit_requests/<limit_request_id>/": {"GET": Rule(READ, AUDITORS)},
    "limit_requests/<limit_request_id>/approve/": {"POST": Rule(WRITE, SUPERVISORS)},
    "limit_requests/<limit_request_id>/reject/": {"POST": Rule(WRITE, SUPERVISORS, body=REASON)},
    "jobs/": {"GET": Rule("jobs:read", AUDITORS)},
    "jobs/<job>/runs/": {"GET": Rule("jobs:read", AUDITORS)},
    "jobs/<job>/runs/<run_id>/": {"GET": Rule("jobs:read", AUDITORS)},
    "jobs/<job>/run/": {"POST": Rule("jobs:run", SUPERVISORS, ok=202)},
    "events/": {"GET": listed("events:read")},
    "webhooks/": {"GET": listed(HEAR), "POST": Rule(*HOOKED, ok=201, body=HOOK, **FEED)},
    "webhooks/<webhook_id>/": {
        "GET": own(HEAR),
        "PATCH": Rule(*OWN_HOOK, body={"description": "Of the shop"}, **FEED),
        "DELETE": Rule(*OWN_HOOK, ok=204, **FEED),
    },
    "webhooks/<webhook_id>/deliveries/": {"GET": own(HEAR)},
    "webhooks/<webhook_id>/secret/": {"POST": Rule(*OWN_HOOK, **FEED)},
    "webhooks/<webhook_id>/test/": {"POST": Rule(*OWN_HOOK, ok=202, **FEED)},
    "webhooks/<webhook_id>/replay/": {
        "POST": Rule(*OWN_HOOK, ok=202, body={"after": MOMENT, "before": LATER}, **FEED)
    },
    "webhooks/<webhook_id>/skip/": {
        "POST": Rule(*OWN_HOOK, body={"event_id": "{event_id}"}, **FEED)
    },
    "seals/latest/": {"GET": PROBE},
    "seals/<number>/": {"GET": PROBE},
    "accounts/<account_id>/statements/": {"GET": own(STATE)},
    "accounts/<account_id>/statement/": {"GET": own(STATE)},
    "statements/<statement_id>/": {"GET": own(STATE)},
    "statistics/": {"GET": Rule(LOOK, AUDITORS)},
    "transactions/": {"GET": listed(LOOK)},
    "transactions/batch/": {"POST": Rule(MOVE, TELLERS, body=BATCH)},
    "transactions/<transaction_id>/": {"GET": own(LOOK)},
    "transactions/<transaction_id>/proof/": {"GET": own(LOOK)},
    "transactions/<transaction_id>/receipt/": {"GET": own(LOOK)},
    # The deposit is completed, so it can only be reversed.
    "transactions/<transaction_id>/retry/": {"POST": Rule(MOVE, TELLERS, ok=409, body=REASON)},
    "transactions/<transaction_id>/cancel/": {"POST": Rule(MOVE, TELLERS, ok=409, body=REASON)},
    "transactions/<transaction_id>/reverse/": {"POST": Rule(MOVE, SUPERVISORS, body=REASON)},
    "transactions/<transaction_id>/approve/": {"POST": Rule(MOVE, SUPERVISORS, ok=409)},
    "transactions/<transaction_id>/reject/": {"POST": Rule(MOVE, SUPERVISORS, ok=409, body=REASON)},
}


def api_routes() -> Iterator[str]:
    """Every route under /api/v1/ that the resolver knows, without converters."""

    def walk(resolver: Any, prefix: str) -> Iterator[str]:
        for pattern in resolver.url_patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern, route)
            elif isinstance(pattern, URLPattern):
                yield re.sub(r"<\w+:", "<", route)

    everything = walk(get_resolver(), "")
    return (route.removeprefix("api/v1/") for route in everything if route.startswith("api/v1/"))


ROUTES = sorted(set(api_routes()))


class World:
    """Ada, a customer with 9.75 from a deposit and 2.00 on hold, and a waiting limit."""

    def __init__(self) -> None:
        self.owner = get_user_model().objects.get(username="ada")
        self.target = make_account()
        known = Customer.objects.filter(user=self.owner).first()
        self.customer = known or make_customer(user="ada")
        self.account = make_account(customer_id=self.customer.pk)
        self.deposit = deposit(self.account, "9.75")
        self.limit_request = make_limit_request(self.account)
        deposit(self.account, 2)
        self.hold = make_hold(self.account, 2)
        self.seal = made()
        self.statement = make_statement(self.account)
        caller = Origin(user_id=self.owner.pk, as_customer=True)
        self.webhook, _ = webhooks.make(self.owner, caller, **HOOK)
        self.test = send_test(self.webhook, caller)
        self.run, _ = ask_for("verify_ledger", date(2026, 1, 1), origin=Origin())

    def path(self, route: str) -> str:
        ids = {
            "account_id": self.account.id,
            "customer_id": self.customer.id,
            "transaction_id": self.deposit.id,
            "hold_id": self.hold.pk,
            "limit_request_id": self.limit_request.id,
            "statement_id": self.statement.id,
            "number": self.seal.number,
            "job": self.run.name,
            "run_id": self.run.pk,
            "webhook_id": self.webhook.pk,
        }
        return API + re.sub(r"<(\w+)>", lambda match: str(ids[match[1]]), route)

    def body(self, body: Any) -> Any:
        if isinstance(body, str):
            ids = {"account_id": self.account.id, "customer_id": self.customer.id}
            return body.format(target_id=self.target.id, event_id=self.test.event_id, **ids)
        if isinstance(body, list):
            return [self.body(item) for item in body]
        if isinstance(body, dict):
            return {name: self.body(member) for name, member in body.items()}
        return body


def expected(identity: Identity, rules: dict[str, Any], verb: str) -> int:
    """The expected status of one cell."""
    rule = rules.get("GET" if verb == "HEAD" else verb)
    if rule is not None:
        return int(rule.status(identity))
    public = next((rule for rule in rules.values() if not isinstance(rule, Rule)), None)
    if public is None:
        return 401 if identity.kind is None else 405
    return 401 if isinstance(public, Public) and public.refuses(identity) else 405


def ask(client: APIClient, verb: str, path: str, body: Any) -> Any:
    if "/oauth/" in path:
        return client.generic(verb, path, "grant_type=client_credentials&token=x", FORM)
    data = {} if body is None and verb in ("POST", "PUT", "PATCH") else body
    return getattr(client, verb.lower())(path, data)


def test_every_route_has_its_row_in_the_table() -> None:
    assert sorted(TABLE) == ROUTES
    assert len(ROUTES) >= 32


def test_the_matrix_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    cells = len(IDENTITIES) * len(ROUTES) * len(VERBS)
    with capsys.disabled():
        print(
            f"\nauthorisation matrix: {len(IDENTITIES)} identities x {len(ROUTES)} routes"
            f" x {len(VERBS)} verbs = {cells} cells"
        )
    assert cells >= 32 * 32 * 7


@pytest.mark.parametrize("name", IDENTITIES)
def test_an_initial_balance_takes_what_a_deposit_takes(name: str, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 0
    make_user("ada")
    identity = IDENTITIES[name]()
    rule = Rule(WRITE, TELLERS, ok=201, body=OPENING, more_scopes=(MOVE,))
    response = ask(identity.client, "POST", f"{API}accounts/", OPENING)
    assert response.status_code == rule.status(identity)
    assert Account.objects.filter(kind="CUSTOMER").exists() == (response.status_code == 201)


@pytest.mark.parametrize("name", IDENTITIES)
def test_the_row_of(name: str, settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 0  # So many requests without a secret would lock the address out.
    make_user("ada")
    identity = IDENTITIES[name]()
    world = World()
    wrong = []
    for route, rules in TABLE.items():
        for verb in VERBS:
            rule = rules.get(verb)
            body = world.body(getattr(rule, "body", None))
            status = ask(identity.client, verb, world.path(route), body).status_code
            if status != expected(identity, rules, verb):
                wrong.append((verb, route, status, expected(identity, rules, verb)))
            if verb in ("POST", "DELETE") and 200 <= status < 300:
                world = World()  # A fresh world for the next route.
    assert wrong == []


def test_a_session_needs_a_csrf_token_and_a_bearer_token_none() -> None:
    account = make_account()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user("tessa", role="teller"))
    response = client.post(account_path(account, "deposit"), AMOUNT)
    assert (response.status_code, response.json()["code"]) == (403, "permission_denied")
    assert Account.objects.get(pk=account.pk).balance == 0

    make_user("ada")
    token = IDENTITIES["teller, token"]().client
    token.handler.enforce_csrf_checks = True
    assert token.post(account_path(account, "deposit"), AMOUNT).status_code == 200


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("path", ["/api/", "/api/v1/", "/api/v1/nothing/", "/api/v2/accounts/"])
def test_what_is_no_route_is_missing_for_everyone(verb: str, path: str) -> None:
    for name in ("anonymous", "owner, token", "superuser, session"):
        get_user_model().objects.get_or_create(username="ada")
        response = ask(IDENTITIES[name]().client, verb, path, None)
        assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
