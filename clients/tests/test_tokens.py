"""Scopes, expiry and revocation of tokens: RFC 6750, 7009, 7662."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from clients.scopes import SCOPES
from clients.tests.program import Program
from clients.tokens import usable_token
from tests.api import API, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_lockout(settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 0  # The lockout has its own tests.


@pytest.fixture
def program() -> Program:
    return Program()


def test_a_token_ends_with_its_time(program: Program) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        token = program.token()
        clock.shift(timedelta(seconds=900) - timedelta(microseconds=1))
        assert program.get(token).status_code == 200
        clock.shift(timedelta(microseconds=1))
        refused = program.get(token)
        assert program.post("introspect", {"token": token}).json() == {"active": False}
        clock.shift(timedelta(hours=1))
        assert program.get(token).status_code == 401
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
    assert refused["WWW-Authenticate"] == 'Bearer realm="bank", error="invalid_token"'


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="bank"'),
        ("Basic dGVzc2E6eA==", 'Bearer realm="bank"'),
        ("Token abc", 'Bearer realm="bank"'),
        ("Bearer", 'Bearer realm="bank", error="invalid_token"'),
        ("bearer x", 'Bearer realm="bank", error="invalid_token"'),
        ("Bearer x\x00y", 'Bearer realm="bank", error="invalid_token"'),
        ("Bearer " + "x" * 4000, 'Bearer realm="bank", error="invalid_token"'),
        ("Bearer \xe9", 'Bearer realm="bank", error="invalid_token"'),
    ],
)
def test_a_401_says_how_to_come_in(
    program: Program, authorization: str | None, challenge: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    refused = program.http.get(f"{API}accounts/", headers=headers)
    assert (refused.status_code, refused["WWW-Authenticate"]) == (401, challenge)


def test_a_token_counts_in_its_header_only(program: Program) -> None:
    token = program.token()
    for path in (f"accounts/?access_token={token}", f"accounts/?token={token}"):
        assert program.http.get(f"{API}{path}").status_code == 401


def test_revoked_is_revoked_at_once_and_only_by_its_client(program: Program) -> None:
    token = program.token()
    other = Program("susan", "supervisor")
    assert other.post("revoke", {"token": token}).status_code == 200
    assert program.get(token).status_code == 200
    refused = program.post("revoke", {"token": token, "token_type_hint": "refresh_token"})
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")
    assert program.get(token).status_code == 200
    for hint in ({}, {"token_type_hint": "access_token"}):
        answer = program.post("revoke", {"token": token, **hint})
        assert (answer.status_code, answer.content) == (200, b"")
    assert program.get(token).status_code == 401
    assert program.post("introspect", {"token": token}).json() == {"active": False}
    assert program.post("revoke", {"token": "never-was"}).status_code == 200
    assert program.post("revoke", {}).status_code == 400


def test_introspection_tells_what_a_token_is_good_for(program: Program) -> None:
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False):
        now = int(timezone.now().timestamp())
        token = program.token("accounts:read transactions:read")
        assert program.post("introspect", {"token": token}).json() == {
            "active": True,
            "token_type": "Bearer",
            "client_id": program.client.client_id,
            "username": "tessa",
            "scope": "accounts:read transactions:read",
            "exp": now + 900,
        }
    assert program.post("introspect", {"token": "never-was"}).json() == {"active": False}
    missing = program.post("introspect", {})
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("thing", ["client", "user"])
def test_introspection_knows_who_was_switched_off(program: Program, thing: str) -> None:
    token, other = program.token(), Program("susan", "supervisor")
    switched_off = getattr(program, thing)
    switched_off.is_active = False
    switched_off.save()
    assert other.post("introspect", {"token": token}).json() == {"active": False}
    assert program.get(token).status_code == 401


def test_a_token_that_stands_is_of_no_use_to_who_was_switched_off(program: Program) -> None:
    """Only the row of the user says so: nothing has deleted the token."""
    token = program.token()
    get_user_model().objects.filter(pk=program.user.pk).update(is_active=False)
    assert program.get(token).status_code == 401


def test_tokens_do_not_come_back_with_their_user(program: Program) -> None:
    token, other = program.token(), Program("susan", "supervisor")
    others = other.token()
    for is_active in (False, True):
        program.user.is_active = is_active
        program.user.save()
    assert program.get(token).status_code == 401
    assert program.get(program.token()).status_code == 200
    assert other.get(others).status_code == 200


def test_a_client_may_do_what_its_user_may_and_its_scopes_name(program: Program) -> None:
    customer = Program("ada", None, scopes=list(SCOPES))
    token = customer.token(" ".join(SCOPES))
    headers = {"Authorization": f"Bearer {token}"}
    opening = customer.http.post(
        f"{API}accounts/", {"name": "Ada"}, "application/json", headers=headers
    )
    assert (opening.status_code, opening.json()["code"]) == (403, "permission_denied")
    assert "WWW-Authenticate" not in opening
    assert customer.get(token).status_code == 200


@pytest.mark.parametrize(
    ("username", "role"), [("ada", None), ("tessa", "teller"), ("root", "superuser")]
)
def test_token_user_and_rights_take_one_statement(username: str, role: str | None) -> None:
    program = Program(username, None if role == "superuser" else role)
    if role == "superuser":
        program.user.is_superuser = program.user.is_staff = True
        program.user.save()
    token = program.token()
    with CaptureQueriesContext(connection) as queries:
        assert program.get(token).status_code == 200
    tables = ("oauth2_provider_accesstoken", "auth_permission", "auth_group", "django_session")
    about_rights = [
        query["sql"] for query in queries if any(table in query["sql"] for table in tables)
    ]
    assert len(about_rights) == 1
    assert len(queries) == 2  # the second one reads the list


def test_rights_that_come_with_a_token_are_those_of_the_user() -> None:
    program = Program("tessa")
    program.user.user_permissions.add(Permission.objects.get(codename="run_archive"))
    for is_superuser in (False, True):
        program.user.is_superuser = is_superuser
        program.user.save()
        token = usable_token(program.token())
        assert token is not None
        with CaptureQueriesContext(connection) as queries:
            rights = token.application.user.get_all_permissions()
        assert len(queries) == 0
        by_django = ModelBackend().get_all_permissions(
            get_user_model().objects.get(username="tessa")
        )
        assert rights == by_django
        assert ("accounts.manage_account" in rights) is is_superuser


def test_a_right_that_is_taken_away_is_gone_at_the_next_request() -> None:
    program = Program("tessa", scopes=list(SCOPES))
    token = program.token("accounts:read accounts:write")

    def opened() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        path, body = f"{API}accounts/", {"name": "Ada"}
        status: int = program.http.post(path, body, "application/json", headers=headers).status_code
        return status

    assert opened() == 201
    program.user.groups.clear()
    assert opened() == 403


def test_rights_of_user_and_groups_come_together() -> None:
    user = make_user("tessa", role="teller")
    extra = Permission.objects.get(codename="run_archive")
    user.user_permissions.add(extra)
    fresh = type(user).objects.get(pk=user.pk)
    with CaptureQueriesContext(connection) as queries:
        rights = fresh.get_all_permissions()
        assert fresh.has_perm("accounts.open_account")
        assert not fresh.has_perm("accounts.manage_account")
    assert len(queries) == 1
    assert rights == user.get_group_permissions() | {"transactions.run_archive"}
    assert ApiClient.objects.count() == 0


def test_what_comes_with_a_token_are_stored_instances_like_all_others() -> None:
    program = Program("tessa")
    token = usable_token(program.token())
    assert token is not None
    client, user = token.application, token.application.user
    assert (token, client, user) == (
        AccessToken.objects.get(),
        ApiClient.objects.get(),
        get_user_model().objects.get(username="tessa"),
    )
    assert user.is_authenticated
    with CaptureQueriesContext(connection) as queries:
        assert (client.user_id, user.is_active, token.expires > timezone.now()) == (
            user.pk,
            True,
            True,
        )
    assert len(queries) == 0
    assert user.email == program.user.email  # another column, read on access
    user.first_name = "Tessa"
    user.save()
    assert get_user_model().objects.get(username="tessa").first_name == "Tessa"
