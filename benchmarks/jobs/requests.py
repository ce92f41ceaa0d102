"""Requests to the bank's API, as bytes."""

import json
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote
from uuid import UUID

from benchmarks.jobs.choices import EVEN, UNITS_PER_CENT, Choice
from benchmarks.measure import Moved
from benchmarks.target import Target

TRANSFERS = ("transfer",)
_SIGN = {"deposit": 1, "withdraw": -1, "transfer": 0}


class Requests:
    """Builds requests of one client; money requests come with the amounts they move."""

    def __init__(self, target: Target, skew: str = EVEN) -> None:
        self._target = target
        self._choice = Choice(target, skew)
        self._head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {target.people.token}\r\n"

    def command(self, kinds: Sequence[str]) -> tuple[bytes, Moved]:
        """One deposit, withdrawal or transfer."""
        kind = self._choice.kind(kinds)
        account_id, target_id = self._choice.pair()
        cents = self._choice.cents()
        body = {"amount": _amount(cents)}
        if kind == "transfer":
            body["target_account_id"] = str(target_id)
        moved = Moved(1, _SIGN[kind] * cents * UNITS_PER_CENT)
        return self._post(f"/api/v1/accounts/{account_id}/{kind}/", body), moved

    def batch(self, length: int) -> tuple[bytes, Moved]:
        """A request with `length` independent transfers."""
        transfers = [self._transfer() for _ in range(length)]
        body = {"atomic": False, "transactions": transfers}
        return self._post("/api/v1/transactions/batch/", body), Moved(length)

    def history(self, account_id: UUID) -> bytes:
        """A page of the account's transactions, starting at a random moment of its past."""
        return self._get(f"/api/v1/accounts/{account_id}/transactions/", "created_before")

    def balance_at(self, account_id: UUID) -> bytes:
        """The account's balance at a random moment of its past."""
        return self._get(f"/api/v1/accounts/{account_id}/balance/", "at")

    def _transfer(self) -> dict[str, str]:
        source_id, target_id = self._choice.pair()
        return {
            "type": "TRANSFER",
            "account_id": str(source_id),
            "target_account_id": str(target_id),
            "amount": _amount(self._choice.cents()),
        }

    def _moment(self) -> datetime:
        assert self._target.stored_between is not None
        first, last = self._target.stored_between
        return first + (last - first) * self._choice.share()

    def _get(self, path: str, parameter: str) -> bytes:
        moment = quote(self._moment().isoformat())
        return f"GET {path}?{parameter}={moment} HTTP/1.1\r\n{self._head}\r\n".encode()

    def _post(self, path: str, body: object) -> bytes:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\n{self._head}Content-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
