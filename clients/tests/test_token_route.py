"""The token route (RFC 6749, client credentials), and what the OAuth2 routes refuse."""

import base64
import hashlib
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import hashers
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import AccessToken, RefreshToken

from clients.models import ApiClient
from clients.tests.program import FORM, GRANT, READ, Program
from tests.api import API

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_lockout(settings: Any) -> None:
    settings.LOCKOUT_FAILURES = 0  # The lockout has its own tests.


@pytest.fixture
def program() -> Program:
    return Program()


def test_a_token_is_for_15_minutes_and_what_was_asked_for(program: Program) -> None:
    answer = program.post("token", {**GRANT, "scope": READ})
    body = answer.json()
    token = body.pop("access_token")
    assert (answer.status_code, body) == (
        200,
        {"expires_in": 900, "token_type": "Bearer", "scope": READ},
    )
    assert answer["Cache-Control"] == "no-store"
    assert program.get(token).status_code == 200
    assert not RefreshToken.objects.exists()


def test_the_credentials_may_stand_in_the_form(program: Program) -> None:
    form = {"client_id": program.client.client_id, "client_secret": program.secret}
    answer = program.post("token", {**GRANT, **form, "scope": READ}, authorization="")
    assert answer.status_code == 200
    assert program.get(answer.json()["access_token"]).status_code == 200


def test_a_token_has_256_random_bits_and_is_kept_as_a_digest(program: Program) -> None:
    tokens = {program.token() for _ in range(3)}
    assert len(tokens) == 3
    for token in tokens:
        assert len(base64.urlsafe_b64decode(token + "=")) == 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM oauth2_provider_accesstoken")
        kept = str(cursor.fetchall())
    for token in tokens:
        assert token not in kept
        assert hashlib.sha256(token.encode()).hexdigest() in kept
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM clients_apiclient")
        assert program.secret not in str(cursor.fetchall())


def test_a_scope_that_was_not_asked_for_is_not_given(program: Program) -> None:
    answer = program.post("token", {**GRANT, "scope": READ})
    refused = program.get(answer.json()["access_token"], "transactions/")
    scope = "transactions:read"
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert refused.json()["detail"] == f"The token lacks the scope {scope}."
    assert refused["WWW-Authenticate"] == (
        f'Bearer realm="bank", error="insufficient_scope", scope="{scope}"'
    )


def test_without_a_scope_a_token_gets_those_of_its_client(program: Program) -> None:
    """RFC 6749, section 3.3."""
    client = ApiClient.objects.get()
    answer = program.post("token", GRANT)
    assert (answer.status_code, answer.json()["scope"]) == (200, " ".join(client.scopes))
    assert program.get(answer.json()["access_token"], "accounts/").status_code == 200


@pytest.mark.parametrize("scope", ["accounts:write", f"{READ} accounts:write", "admin", "*"])
def test_a_scope_beyond_the_clients_own_is_refused(program: Program, scope: str) -> None:
    answer = program.post("token", {**GRANT, "scope": scope})
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_scope"})
    assert not AccessToken.objects.exists()


def bad_credentials(program: Program) -> list[str]:
    unknown = base64.b64encode(b"nobody:secret").decode()
    nul = base64.b64encode(b"no\x00body:secret").decode()
    return [
        program.basic("wrong"),
        program.basic(""),
        program.basic(program.secret + "\x00"),
        f"Basic {unknown}",
        f"Basic {nul}",
        "Basic ",
        "Basic !!!",
        "Basic /////w==",
        "",
    ]


@pytest.mark.parametrize("route", ["token", "revoke", "introspect"])
@pytest.mark.parametrize("index", range(9))
def test_a_client_without_the_secret_gets_nothing(program: Program, route: str, index: int) -> None:
    token = program.token()
    form = {**GRANT, "scope": READ, "token": token}
    answer = program.post(route, form, bad_credentials(program)[index])
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})
    assert answer["WWW-Authenticate"] == 'Basic realm="bank"'
    assert program.get(token).status_code == 200  # The token was not revoked either.
    assert AccessToken.objects.count() == 1


def test_a_script_in_a_browser_gets_no_login_dialog(program: Program) -> None:
    """A browser opens a dialog for a Basic challenge, and then Swagger UI shows no error."""
    headers = {"Authorization": program.basic() + "x", "Sec-Fetch-Mode": "cors"}
    answer = program.http.post(f"{API}oauth/token/", urlencode(GRANT), FORM, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert not answer["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("grant", "error"),
    [
        ({"grant_type": "password", "username": "tessa", "password": "x"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_request"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}, None),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange"}, None),
        ({"grant_type": "client_credentials\x00"}, None),
        ({"grant_type": ""}, "invalid_request"),
        ({}, "invalid_request"),
    ],
)
def test_there_is_no_other_grant(program: Program, grant: Any, error: str | None) -> None:
    answer = program.post("token", grant)
    assert answer.status_code == 400
    assert answer.json()["error"] == (error or "unsupported_grant_type")
    assert not AccessToken.objects.exists()


def test_right_and_wrong_passwords_of_staff_answer_alike(program: Program) -> None:
    program.user.set_password("right-horse-battery")
    program.user.save()
    form = {"grant_type": "password", "username": "tessa"}
    right, wrong = (
        program.post("token", {**form, "password": password})
        for password in ("right-horse-battery", "wrong")
    )
    assert (right.status_code, right.content) == (wrong.status_code, wrong.content)
    assert right.status_code == 400


def test_an_inactive_client_or_user_gets_no_token(program: Program) -> None:
    for thing in (program.client, program.user):
        thing.is_active = False
        thing.save()
        assert program.post("token", {**GRANT, "scope": READ}).status_code == 401
        thing.is_active = True
        thing.save()
    assert program.post("token", {**GRANT, "scope": READ}).status_code == 200


@pytest.mark.parametrize("route", ["token", "revoke", "introspect"])
@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("application/json", "{}", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        ("text/plain", "grant_type=client_credentials", 415),
        (f"{FORM}; charset=latin-1", "grant_type=client_credentials", 400),
        (FORM, "x" * 8193, 413),
    ],
)
def test_a_form_is_all_that_is_read(
    program: Program, route: str, media_type: str, body: str, status: int
) -> None:
    headers = {"Authorization": program.basic()}
    answer = program.http.post(f"{API}oauth/{route}/", body, media_type, headers=headers)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("route", ["token", "revoke", "introspect"])
def test_nothing_is_taken_from_the_query(program: Program, route: str) -> None:
    token = program.token()
    query = urlencode(
        {
            "token": token,
            "client_id": program.client.client_id,
            "client_secret": program.secret,
            **GRANT,
        }
    )
    path = f"{API}oauth/{route}/?{query}"
    assert program.http.get(path).status_code == 405
    answer = program.http.post(path, "", FORM)
    assert answer.status_code in (400, 401)
    assert program.get(token).status_code == 200
    assert AccessToken.objects.count() == 1


def test_a_token_costs_one_digest_and_no_slow_hash(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token request computes one SHA-256 of a secret, and no Argon2."""
    used = []

    def verify(password: str, encoded: str, *rest: Any, **named: Any) -> Any:
        used.append(hashers.identify_hasher(encoded).algorithm)
        return checked(password, encoded, *rest, **named)

    checked = hashers.verify_password
    monkeypatch.setattr(hashers, "verify_password", verify)
    program.token()
    assert used == ["generated_sha256"]
    with CaptureQueriesContext(connection) as queries:
        program.token()
    assert len(queries) <= 12


def test_secrets_and_tokens_are_in_no_log(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        token = program.token()
        program.post("introspect", {"token": token})
        program.get(token)
        program.post("token", {**GRANT, "scope": "admin"})
        program.post("token", {**GRANT, "client_secret": program.secret}, authorization="")
        program.post("revoke", {"token": token})
        program.get(token)
    lines = [record for record in caplog.records if not record.name.startswith("django.db")]
    assert len(lines) > 5
    text = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in lines)
    assert token not in text
    assert program.secret not in text
    assert program.basic().removeprefix("Basic ") not in text
