"""`manage.py disable_api_client`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from oauth2_provider.models import AccessToken
from rest_framework.test import APIClient

from clients.registry import create_client, issue_token
from tests.api import API, make_user

pytestmark = pytest.mark.django_db


def test_a_disabled_client_gets_in_no_more_and_others_do() -> None:
    user = make_user("tessa", role="teller")
    leaked, _ = create_client("Till", user=user, scopes=["accounts:read"])
    other, _ = create_client("Other till", user=user, scopes=["accounts:read"])
    tokens = [issue_token(leaked), issue_token(leaked)]
    kept = issue_token(other)

    said = StringIO()
    call_command("disable_api_client", leaked.client_id, stdout=said)
    assert said.getvalue() == "Till is switched off; 2 tokens are deleted.\n"
    leaked.refresh_from_db()
    assert not leaked.is_active

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return APIClient().get(f"{API}accounts/", headers=headers).status_code

    assert [status(token) for token in (*tokens, kept)] == [401, 401, 200]
    assert AccessToken.objects.get().application == other


def test_an_unknown_client_is_said_so() -> None:
    with pytest.raises(CommandError, match="There is no client nobody"):
        call_command("disable_api_client", "nobody")
