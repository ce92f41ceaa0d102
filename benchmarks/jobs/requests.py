"""Requests to the bank's API, as bytes."""

import json
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID, uuid4

from benchmarks.jobs.choices import EVEN, UNITS_PER_CENT, Choice
from benchmarks.measure import Moved
from benchmarks.target import Target

TRANSFERS = ("transfer",)
_SIGN = {"deposit": 1, "withdraw": -1, "transfer": 0}


class Requests:
    """Builds requests of one client; money requests come with the amounts they move.

    If `keyed`, each request that moves money has an Idempotency-Key of its own.
    """

    def __init__(self, target: Target, skew: str = EVEN, *, keyed: bool = False) -> None:
        self._target = target
        self._keyed = keyed
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
        path = f"/api/v1/accounts/{account_id}/transactions/"
        return self._get(f"{path}?created_before={self._moment()}")

    def latest(self, account_id: UUID) -> bytes:
        """The first page of the account's transactions: the latest ones."""
        return self._get(f"/api/v1/accounts/{account_id}/transactions/")

    def account(self, account_id: UUID, known: str = "") -> bytes:
        """The account; if the ETag `known` is given, only if the account differs from it."""
        condition = f"If-None-Match: {known}\r\n" if known else ""
        return self._get(f"/api/v1/accounts/{account_id}/", condition)

    def balance_at(self, account_id: UUID) -> bytes:
        """The account's balance at a random moment of its past."""
        return self._get(f"/api/v1/accounts/{account_id}/balance/?at={self._moment()}")

    def statistics(self) -> bytes:
        """The statistics of the bank's past and this day, by day."""
        assert self._target.stored_between is not None
        first, last = (moment.date() for moment in self._target.stored_between)
        return self._get(f"/api/v1/statistics/?from={first}&to={last + timedelta(days=1)}")

    def _transfer(self) -> dict[str, str]:
        source_id, target_id = self._choice.pair()
        return {
            "type": "TRANSFER",
            "account_id": str(source_id),
            "target_account_id": str(target_id),
            "amount": _amount(self._choice.cents()),
        }

    def _moment(self) -> str:
        """A random moment of the bank's past, for a parameter of a URL."""
        assert self._target.stored_between is not None
        first, last = self._target.stored_between
        return quote((first + (last - first) * self._choice.share()).isoformat())

    def _get(self, path: str, headers: str = "") -> bytes:
        return f"GET {path} HTTP/1.1\r\n{self._head}{headers}\r\n".encode()

    def _post(self, path: str, body: object) -> bytes:
        content = json.dumps(body).encode()
        key = f"Idempotency-Key: {uuid4()}\r\n" if self._keyed else ""
        head = (
            f"POST {path} HTTP/1.1\r\n{self._head}{key}Content-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        return head.encode() + content


def _amount(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
