"""All callers of the API: each kind of user, by session and by token, and impostors.

Ada is the customer whose accounts are requested; Grace is another customer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from oauth2_provider.models import AccessToken
from rest_framework.test import APIClient

from clients.registry import create_client, issue_token
from clients.scopes import SCOPES
from tests.api import make_user

ALL_SCOPES = tuple(SCOPES)


@dataclass(frozen=True)
class Identity:
    """`kind` is a row of the table of rights; None is an anonymous caller, with or without a token.

    `scopes` are those of the token; a session needs none.
    """

    kind: str | None
    client: APIClient
    with_token: bool = False
    scopes: tuple[str, ...] = ALL_SCOPES


def _make(kind: str) -> Any:
    """The user of a kind; Ada exists already."""
    if kind == "owner":
        return get_user_model().objects.get(username="ada")
    if kind == "customer":
        return make_user("grace")
    if kind == "customer in a group of staff":
        user = make_user("mallory")
        user.groups.add(Group.objects.get(name="supervisor"))
        return user
    if kind == "superuser":
        return get_user_model().objects.create_superuser("root")
    if kind == "staff":
        return make_user("norma", is_staff=True)
    return make_user(kind, role=kind)


def token_of(user: Any, scopes: tuple[str, ...] = ALL_SCOPES) -> str:
    client, _ = create_client(f"Client of {user}", user=user, scopes=ALL_SCOPES)
    raw_token = issue_token(client)
    AccessToken.objects.filter(application=client).update(scope=" ".join(scopes))
    return raw_token


def client_with(token: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {token}"})


def _by_session(kind: str) -> Callable[[], Identity]:
    def make() -> Identity:
        client = APIClient()
        client.force_login(_make(kind))
        return Identity(kind, client)

    return make


def _by_token(kind: str, lacking: str = "") -> Callable[[], Identity]:
    def make() -> Identity:
        scopes = tuple(scope for scope in ALL_SCOPES if scope != lacking)
        return Identity(kind, client_with(token_of(_make(kind), scopes)), True, scopes)

    return make


def _nobody(spoil: Callable[[AccessToken], object]) -> Callable[[], Identity]:
    """A supervisor's token, made invalid by `spoil`."""

    def make() -> Identity:
        client = client_with(token_of(_make("supervisor")))
        spoil(AccessToken.objects.select_related("application__user").get())
        return Identity(None, client, True)

    return make


def _expire(token: AccessToken) -> None:
    AccessToken.objects.update(expires=timezone.now() - timedelta(microseconds=1))


def _deactivate(thing: Any) -> None:
    thing.is_active = False
    thing.save()


def _inactive_session() -> Identity:
    identity = _by_session("supervisor")()
    get_user_model().objects.filter(username="supervisor").update(is_active=False)
    return Identity(None, identity.client)


KINDS = (
    "owner",
    "customer",
    "customer in a group of staff",
    "staff",
    "auditor",
    "teller",
    "supervisor",
    "superuser",
)
IDENTITIES: dict[str, Callable[[], Identity]] = {
    "anonymous": lambda: Identity(None, APIClient()),
    "inactive user, session": _inactive_session,
    "inactive user, token": _nobody(lambda token: _deactivate(token.application.user)),
    "inactive client": _nobody(lambda token: _deactivate(token.application)),
    "expired token": _nobody(_expire),
    "revoked token": _nobody(lambda token: token.revoke()),
    "token of nobody": lambda: Identity(None, client_with("x" * 43), True),
    "empty token": lambda: Identity(None, client_with(""), True),
    **{f"{kind}, session": _by_session(kind) for kind in KINDS},
    **{f"{kind}, token": _by_token(kind) for kind in KINDS},
    **{f"supervisor without {scope}": _by_token("supervisor", scope) for scope in ALL_SCOPES},
    **{f"owner without {scope}": _by_token("owner", scope) for scope in ALL_SCOPES},
}
