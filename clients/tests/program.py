"""A REST client for tests: it has a secret, gets tokens and uses them."""

import base64
from typing import Any
from urllib.parse import urlencode

from django.test import Client

from clients.registry import create_client
from tests.api import API, make_user
from tests.contract import check_answer

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}
READ = "accounts:read"


class Program:
    """A REST client with its secret."""

    def __init__(self, username: str = "tessa", role: str | None = "teller", **made: Any) -> None:
        self.user = make_user(username, role=role)
        scopes = made.get("scopes", [READ, "transactions:read"])
        self.client, self.secret = create_client(username, user=self.user, scopes=scopes)
        self.http = Client(raise_request_exception=False)

    def basic(self, secret: str | None = None) -> str:
        pair = f"{self.client.client_id}:{self.secret if secret is None else secret}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    def post(self, route: str, form: dict[str, str], authorization: str | None = None) -> Any:
        """Posts with HTTP Basic, or with `authorization` instead; empty for no credentials.

        Checks the response against docs/openapi.yaml.
        """
        credentials = self.basic() if authorization is None else authorization
        headers = {"Authorization": credentials} if credentials else {}
        answer = self.http.post(f"{API}oauth/{route}/", urlencode(form), FORM, headers=headers)
        check_answer(answer)  # type: ignore[arg-type]
        return answer

    def token(self, scope: str = READ) -> str:
        answer = self.post("token", {**GRANT, "scope": scope})
        assert answer.status_code == 200, answer.content
        token: str = answer.json()["access_token"]
        return token

    def get(self, token: str, path: str = "accounts/") -> Any:
        return self.http.get(f"{API}{path}", headers={"Authorization": f"Bearer {token}"})
