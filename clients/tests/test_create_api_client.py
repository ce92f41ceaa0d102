"""`manage.py create_api_client` shows a secret once, and stores a digest."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from clients.models import ApiClient
from clients.scopes import SCOPES
from tests.api import make_user

pytestmark = pytest.mark.django_db


def create(*arguments: Any) -> str:
    output = StringIO()
    call_command("create_api_client", *arguments, stdout=output)
    return output.getvalue()


def test_json_is_exactly_the_id_and_the_secret() -> None:
    make_user("tessa", role="teller")
    printed = json.loads(create("Till", "--user", "tessa", "--json"))
    assert list(printed) == ["client_id", "client_secret"]
    client = ApiClient.objects.get()
    assert printed["client_id"] == client.client_id
    assert (client.name, client.user.username, client.is_active) == ("Till", "tessa", True)
    assert client.scopes == list(SCOPES)
    assert (client.client_type, client.authorization_grant_type) == (
        "confidential",
        "client-credentials",
    )


def test_text_says_who_it_is_and_what_it_may_do() -> None:
    make_user("ada")
    text = create("Ledger app", "--user", "ada", "--scopes", "accounts:read", "transactions:read")
    client = ApiClient.objects.get()
    lines = text.splitlines()
    assert lines[0] == f"client_id      {client.client_id}"
    assert lines[1].startswith("client_secret  ")
    assert lines[2:] == [
        "acts as        ada",
        "scopes         accounts:read transactions:read",
        "The secret is shown once and kept as a digest only.",
    ]
    assert client.scopes == ["accounts:read", "transactions:read"]


@pytest.mark.parametrize(
    "words", [["accounts:read transactions:read"], ["accounts:read", " transactions:read "]]
)
def test_scopes_may_stand_in_one_word_as_oauth2_writes_them(words: list[str]) -> None:
    make_user("ada")
    create("Ledger app", "--user", "ada", "--scopes", *words)
    assert ApiClient.objects.get().scopes == ["accounts:read", "transactions:read"]


def test_the_secret_is_random_of_384_bits_and_kept_as_a_digest() -> None:
    make_user("ada")
    secrets = {
        json.loads(create("App", "--user", "ada", "--json"))["client_secret"] for _ in range(2)
    }
    assert [len(secret) for secret in secrets] == [64, 64]  # base64url: 6 bits each
    for client in ApiClient.objects.all():
        algorithm, salt, digest = client.client_secret.split("$")
        assert (algorithm, len(digest)) == ("generated_sha256", 64)
        assert len(salt) >= 22  # 128 bits and more, in letters and digits
        assert not any(secret in client.client_secret for secret in secrets)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--user", "nobody"], "There is no active user nobody."),
        (["--user", "gone"], "There is no active user gone."),
        (["--user", "ada", "--scopes", "accounts:read", "admin"], "Scopes are one or more of: "),
    ],
)
def test_invalid_input_creates_no_client(arguments: list[str], message: str) -> None:
    make_user("ada")
    make_user("gone", is_active=False)
    with pytest.raises(CommandError, match=message):
        create("App", *arguments)
    assert not ApiClient.objects.exists()
