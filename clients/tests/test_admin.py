"""API clients and tokens in the console: few create them, supervisors revoke, more may look."""

import logging
import re
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from oauth2_provider.models import AccessToken

from clients.models import ApiClient
from clients.registry import create_client, issue_token
from clients.scopes import SCOPES
from clients.tests.program import READ, Program
from staff.models import StaffSession
from tests.admin import logged_in, logged_in_as
from tests.api import make_user

pytestmark = pytest.mark.django_db

CLIENTS = reverse("admin:clients_apiclient_changelist")
TOKENS = reverse("admin:oauth2_provider_accesstoken_changelist")
CREATE = reverse("admin:clients_apiclient_create_client")


def manager(username: str = "mia") -> Client:
    """A member of staff who may see clients, and was granted the right to create them."""
    user = make_user(username, role="auditor")
    user.user_permissions.add(Permission.objects.get(codename="manage_apiclient"))
    return logged_in(user)


def form(user: str, **changed: Any) -> dict[str, Any]:
    filled = {"name": "Shop", "user": user, "scopes": [READ], "key": str(uuid4())}
    return filled | changed


def secret_on(response: Any) -> str:
    (found,) = re.findall(r'id="client-secret">([^<]+)<', response.content.decode())
    return str(found)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def logged() -> list[tuple[str, str, str, str]]:
    entries = LogEntry.objects.order_by("id").select_related("user")
    return [
        (
            one.user.get_username(),
            one.get_action_flag_display(),
            one.object_repr,
            one.change_message,
        )
        for one in entries
    ]


def of(page: str, row: Any) -> str:
    model = f"{row._meta.app_label}_{row._meta.model_name}"
    return reverse(f"admin:{model}_{page}", args=[row.pk])


# Creating -----------------------------------------------------------------------------------------


def test_a_superuser_creates_a_client_that_works(admin_client: Client) -> None:
    make_user("tessa", role="teller")
    assert f'href="{CREATE}"' in admin_client.get(CLIENTS).content.decode()
    assert 'name="key"' in admin_client.get(CREATE).content.decode()
    response = admin_client.post(CREATE, form("tessa", scopes=[READ, "transactions:write"]))
    client = ApiClient.objects.get()
    assert (client.name, client.user.username) == ("Shop", "tessa")
    assert client.scopes == [READ, "transactions:write"]
    assert (client.is_active, client.last_token_at) == (True, None)
    secret = secret_on(response)
    assert len(secret) == 64
    program = Program("another")
    program.client, program.secret = client, secret
    assert program.get(program.token()).status_code == 200
    assert logged() == [
        ("admin", "Addition", "Shop", f"Acts as tessa, for {READ} transactions:write.")
    ]


def test_the_secret_is_shown_once_and_kept_nowhere(
    admin_client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    make_user("tessa", role="teller")
    caplog.set_level(logging.DEBUG)
    response = admin_client.post(CREATE, form("tessa"))
    assert "no-store" in response["Cache-Control"]
    secret = secret_on(response)
    client = ApiClient.objects.get()
    for url in (CLIENTS, of("change", client), reverse("admin:index"), reverse("audit")):
        assert secret not in admin_client.get(url).content.decode()
    assert secret not in caplog.text
    assert secret not in repr(list(response.wsgi_request.session.items()))
    assert secret not in str([one.get_decoded() for one in StaffSession.objects.all()])
    assert secret not in str(response.cookies)
    assert secret not in str(logged())
    assert secret not in client.client_secret


def test_sent_twice_it_makes_one_client(admin_client: Client) -> None:
    make_user("tessa", role="teller")
    filled = form("tessa")
    first, second = admin_client.post(CREATE, filled), admin_client.post(CREATE, filled)
    client = ApiClient.objects.get()
    assert secret_on(first)
    assert (second.status_code, second["Location"]) == (302, of("change", client))
    assert said(second)[0].startswith("This client was already created")
    assert len(logged()) == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "a\u202eb"}, "The character U+202E"),
        ({"user": "nobody"}, "There is no active user with this name."),
        ({"user": "gone"}, "There is no active user with this name."),
        ({"scopes": []}, "This field is required."),
        ({"scopes": [READ, "admin"]}, "Select a valid choice."),
        ({"key": "nonsense"}, "Enter a valid UUID."),
    ],
)
def test_invalid_input_creates_no_client(
    changed: dict[str, Any], words: str, admin_client: Client
) -> None:
    make_user("ada")
    make_user("gone", is_active=False)
    response = admin_client.post(CREATE, form("ada") | changed)
    assert response.status_code == 200
    assert words in str(response.context["form"].errors)
    assert not ApiClient.objects.exists()
    assert logged() == []


@pytest.mark.parametrize(
    ("acts_as", "may"), [("ada", True), ("mia", True), ("susan", False), ("admin", False)]
)
def test_only_a_superuser_lets_a_program_act_as_other_staff(
    acts_as: str, may: bool, admin_user: Any
) -> None:
    make_user("ada")
    make_user("susan", role="supervisor")
    response = manager().post(CREATE, form(acts_as))
    assert ApiClient.objects.filter(user__username=acts_as).exists() == may
    if not may:
        words = "Only a superuser may let a program act as other staff."
        assert words in str(response.context["form"].errors)


@pytest.mark.parametrize("role", ["teller", "supervisor", "auditor"])
def test_no_role_creates_clients(role: str) -> None:
    make_user("ada")
    client = logged_in_as(role)
    listed = client.get(CLIENTS)
    assert listed.status_code == (403 if role == "teller" else 200)
    assert CREATE not in listed.content.decode()
    assert client.get(CREATE).status_code == 403
    assert client.post(CREATE, form("ada")).status_code == 403
    assert not ApiClient.objects.exists()


# Revoking -----------------------------------------------------------------------------------------


def test_a_supervisor_revokes_a_client_and_its_tokens() -> None:
    program, other = Program(), Program("other")
    tokens, kept = [program.token(), program.token()], other.token()
    client = logged_in_as("supervisor")
    assert of("revoke", program.client) in client.get(of("change", program.client)).content.decode()
    first = client.post(of("revoke", program.client), {"reason": "It leaked"})
    assert (first.status_code, first["Location"]) == (302, of("change", program.client))
    assert said(first) == ["tessa is revoked for good, and so are its tokens."]
    assert [program.get(token).status_code for token in tokens] == [401, 401]
    assert (
        program.post("token", {"grant_type": "client_credentials", "scope": READ}).status_code
        == 401
    )
    assert other.get(kept).status_code == 200
    assert (
        of("revoke", program.client)
        not in client.get(of("change", program.client)).content.decode()
    )
    assert client.get(of("revoke", program.client)).status_code == 403
    again = client.post(of("revoke", program.client), {"reason": "It leaked"})
    assert said(again)[-1] == "tessa was already revoked."
    assert logged() == [("supervisor", "Change", "tessa", "Revoked, with tokens: 2. It leaked")]


def test_a_supervisor_revokes_a_token_and_the_client_gets_another() -> None:
    program = Program()
    token, kept = program.token(), program.token()
    stored = AccessToken.objects.earliest("id")
    client = logged_in_as("supervisor")
    page = client.get(of("change", stored)).content.decode()
    assert of("revoke", stored) in page
    assert f"Token {stored.pk}" in page
    assert "AccessToken" not in page
    assert "OAuth Toolkit" not in page
    url = of("revoke", stored)
    first, again = (client.post(url, {"reason": "Lost"}) for _ in range(2))
    assert (first.status_code, first["Location"]) == (302, TOKENS)
    assert said(first) == ["A token of tessa is revoked. The client can get another one."]
    assert said(again)[-1] == "This token was already revoked."
    assert client.get(url).status_code == 404
    assert [program.get(one).status_code for one in (token, kept)] == [401, 200]
    assert program.get(program.token()).status_code == 200
    assert logged() == [("supervisor", "Deletion", f"Token {stored.pk} of tessa", "Lost")]


@pytest.mark.parametrize("role", ["teller", "auditor"])
def test_others_revoke_nothing(role: str) -> None:
    client, _ = create_client("Shop", user=make_user("ada"), scopes=[READ])
    issue_token(client)
    token = AccessToken.objects.get()
    browser = logged_in_as(role)
    for row in (client, token):
        seen = browser.get(of("change", row))
        assert seen.status_code == (403 if role == "teller" else 200)
        assert of("revoke", row) not in seen.content.decode()
        assert browser.get(of("revoke", row)).status_code == 403
        assert browser.post(of("revoke", row), {"reason": "x"}).status_code == 403
    client.refresh_from_db()
    assert client.is_active
    assert AccessToken.objects.exists()


def test_without_a_reason_nothing_is_revoked() -> None:
    client, _ = create_client("Shop", user=make_user("ada"), scopes=[READ])
    browser = logged_in_as("supervisor")
    assert browser.post(of("revoke", client), {"reason": " "}).status_code == 200
    client.refresh_from_db()
    assert client.is_active
    assert logged() == []


def test_the_audit_log_shows_both(admin_client: Client) -> None:
    make_user("tessa", role="teller")
    admin_client.post(CREATE, form("tessa"))
    admin_client.post(of("revoke", ApiClient.objects.get()), {"reason": "It leaked"})
    html = admin_client.get(reverse("audit"), {"what": "staff"}).content.decode()
    assert "API client: addition" in html
    assert "API client: change" in html
    assert "Revoked, with tokens: 0. It leaked" in html


# Reading ------------------------------------------------------------------------------------------


def test_last_use_is_when_it_last_got_a_token(admin_client: Client) -> None:
    program = Program()
    assert ">Never<" in "".join(admin_client.get(CLIENTS).content.decode().split())
    start = timezone.now()
    program.token()
    program.client.refresh_from_db()
    used = program.client.last_token_at
    assert used is not None
    assert start <= used <= timezone.now()
    shown = timezone.localtime(used).strftime("%Y-%m-%d %H:%M:%S UTC")
    assert shown in admin_client.get(CLIENTS).content.decode()
    refused = program.post("token", {"grant_type": "client_credentials", "scope": "unknown"})
    assert refused.status_code == 400
    program.client.refresh_from_db()
    assert program.client.last_token_at == used


def test_the_use_of_a_token_writes_nothing() -> None:
    program = Program()
    token = program.token()
    with CaptureQueriesContext(connection) as queries:
        assert program.get(token).status_code == 200
    assert {query["sql"].split()[0] for query in queries} == {"SELECT"}


def test_states_are_told_in_words(admin_client: Client) -> None:
    user = make_user("ada")
    names = ("Active", "Revoked", "User inactive")
    made = {name: create_client(name, user=user, scopes=list(SCOPES))[0] for name in names}
    ApiClient.objects.filter(name="Revoked").update(is_active=False)
    away = make_user("away", is_active=False)
    ApiClient.objects.filter(name="User inactive").update(user=away)
    for client in made.values():
        issue_token(client)
    expired = AccessToken.objects.filter(application=made["Active"])
    issue_token(made["Active"])
    expired.filter(pk=expired.earliest("id").pk).update(expires=timezone.now())
    rows = admin_client.get(TOKENS).content.decode()
    assert [
        len(re.findall(rf">\s*{word}\s*<", rows)) for word in ("Valid", "Expired", "Worth nothing")
    ] == [1, 1, 2]
    page = admin_client.get(of("change", made["Active"])).content.decode()
    assert "View on site" not in page
    assert "1 valid: show all" in page
    link = f"{TOKENS}?application={made['Active'].pk}"
    assert link in page
    assert admin_client.get(link).context["cl"].result_count == 2


def test_lists_cost_the_same_at_2_and_at_1000_rows(admin_client: Client) -> None:
    user = make_user("ada")
    client, _ = create_client("Shop 0", user=user, scopes=[READ])
    issue_token(client)

    def cost(url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert admin_client.get(url).status_code == 200
        return len(queries)

    costs = [cost(url) for url in (CLIENTS, TOKENS)]
    fields = {"user": user, "scopes": [READ], "client_secret": client.client_secret}
    ApiClient.objects.bulk_create(ApiClient(name=f"Shop {n}", **fields) for n in range(999))
    lasts = {"application": client, "scope": READ, "expires": timezone.now()}
    AccessToken.objects.bulk_create(
        AccessToken(token="", token_checksum=f"{n:064}", **lasts) for n in range(999)
    )
    assert [cost(url) for url in (CLIENTS, TOKENS)] == costs
    assert max(costs) <= 7
