"""The REST API, used by the client that acts as susan: prepares data and reads the true state."""

from typing import Any

from playwright.sync_api import Playwright

from tests.demo_bank import DemoBank


class Api:
    def __init__(self, playwright: Playwright, bank: DemoBank) -> None:
        plain = playwright.request.new_context(base_url=bank.url)
        credentials = {
            "grant_type": "client_credentials",
            "client_id": bank.client_id,
            "client_secret": bank.client_secret,
            "scope": "accounts:read accounts:write transactions:read transactions:write",
        }
        answer = plain.post("/api/v1/oauth/token/", form=credentials)
        assert answer.status == 200, answer.text()
        token = answer.json()["access_token"]
        plain.dispose()
        self._requests = playwright.request.new_context(
            base_url=bank.url, extra_http_headers={"Authorization": f"Bearer {token}"}
        )

    def close(self) -> None:
        self._requests.dispose()

    def open_account(self, name: str, balance: str = "0.00") -> str:
        """Opens an account in USD; returns its id."""
        body = {"name": name, "currency": "USD", "initial_balance": balance}
        return str(self._post("accounts/", body)["account_id"])

    def deposit(self, account_id: str, amount: str, description: str = "") -> dict[str, Any]:
        body = {"amount": amount, "description": description}
        return self._post(f"accounts/{account_id}/deposit/", body)

    def refused_withdrawal(self, account_id: str, amount: str, description: str) -> None:
        """Requests a withdrawal that fails for lack of funds and stays as a failed transaction."""
        body = {"amount": amount, "description": description}
        answer = self._requests.post(f"/api/v1/accounts/{account_id}/withdraw/", data=body)
        assert answer.json()["code"] == "insufficient_funds", answer.text()

    def balance(self, account_id: str) -> str:
        return str(self.get(f"accounts/{account_id}/")["balance"])

    def history(self, account_id: str) -> list[tuple[str, str, str, str | None]]:
        """Type, status, amount and failure code of the account's transactions, newest first."""
        found = self.get(f"accounts/{account_id}/transactions/")["results"]
        return [
            (one["type"], one["status"], one["amount"], (one["failure"] or {}).get("code"))
            for one in found
        ]

    def get(self, path: str) -> dict[str, Any]:
        answer = self._requests.get(f"/api/v1/{path}")
        assert answer.status == 200, answer.text()
        body: dict[str, Any] = answer.json()
        return body

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._requests.post(f"/api/v1/{path}", data=body)
        assert answer.status in (200, 201, 202), answer.text()
        made: dict[str, Any] = answer.json()
        return made
