"""Random requests, repeatable by seed, and a bank's responses to them in canonical form.

Ids, account numbers, moments and cursors differ from run to run. Each becomes a name: the first id
that appears is `id-1` wherever it appears again. The rest must be equal on every database.
"""

import json
import logging
import re
import sys
from dataclasses import dataclass, field
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import override_settings
from django.test.utils import setup_test_environment
from rest_framework.test import APIClient

from accounts.models import Account, AccountEvent
from transactions.models import Hold, HoldEvent, Transaction
from transactions.verifier import verify

API = "/api/v1/"
AMOUNTS = ("0.01", "1.50", "12.34", "99.99", "250.00", "1000.00", "40000000000.00", "100000000000")
BAD_AMOUNTS = ("0", "-1", "1.005", "1e3", "", None, True, "100000000000.01")
KEYS = 40
USER_ID = 1_000_000
# How often each operation is chosen, out of 100.
WEIGHTS = {
    "open": 6, "deposit": 20, "withdraw": 16, "transfer": 20, "freeze": 4, "unfreeze": 5,
    "overdraft_limit": 4, "close": 3, "rename": 1, "read": 7, "hold": 7, "capture": 3, "void": 2,
    "limits": 2,
}  # fmt: skip

_VARYING = [
    ("id", re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")),
    # A request's fingerprint covers ids.
    ("digest", re.compile(r"\b[0-9a-f]{64}\b")),
    ("number", re.compile(r"\b\d{12}\b")),
]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_CURSOR = re.compile(r"cursor=[\w-]+")


@dataclass(slots=True)
class Canonical:
    """Names for values that vary, in the order of their first appearance."""

    names: dict[str, str] = field(default_factory=dict)

    def text(self, value: Any) -> str:
        text = json.dumps(value, sort_keys=True, default=str)
        text = _CURSOR.sub("cursor=...", _MOMENT.sub("moment", text))
        for kind, pattern in _VARYING:
            text = pattern.sub(lambda match, kind=kind: self._name(kind, match[0]), text)
        return text

    def _name(self, kind: str, value: str) -> str:
        return self.names.setdefault(value, f"{kind}-{len(self.names) + 1}")


class Customer:
    """Sends random requests, and keeps every response."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - chance that can be repeated
        self.canonical = Canonical()
        self.answers: list[str] = []
        self.account_ids: list[str] = []
        self.hold_ids: list[str] = []
        # A fixed id: sequences may have advanced further on one database.
        user = get_user_model().objects.create_superuser("random", id=USER_ID)
        self.client = APIClient(headers={"X-Request-ID": "random-commands"})
        self.client.force_authenticate(user)

    def send(self, method: str, path: str, body: Any = None, *, keyed: bool = False) -> Any:
        headers = {}
        if keyed and self.random.random() < 0.3:
            headers["Idempotency-Key"] = f"key-{self.random.randrange(KEYS)}"
        response = self.client.generic(
            method,
            API + path,
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        answer = response.json()
        replayed = response.headers.get("Idempotent-Replayed", "")
        self.answers.append(
            self.canonical.text([method, path, body, response.status_code, replayed, answer])
        )
        return answer

    def step(self) -> None:
        chosen = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        if not self.account_ids or chosen == "open":
            self._open()
            return
        path = f"accounts/{self.random.choice(self.account_ids)}/"
        match chosen:
            case "deposit" | "withdraw":
                self.send("POST", f"{path}{chosen}/", {"amount": self._amount()}, keyed=True)
            case "transfer":
                target = self.random.choice(self.account_ids)
                body = {"amount": self._amount(), "target_account_id": target}
                self.send("POST", f"{path}transfer/", body, keyed=True)
            case "hold":
                self._hold(path)
            case "capture" | "void" if self.hold_ids:
                self._end(f"holds/{self.random.choice(self.hold_ids)}/", chosen)
            case "rename":
                self.send("PATCH", path, {"name": f"Name {self.random.randrange(9)}"})
            case "read":
                routes = ["", "balance/", "transactions/", "entries/", "transactions/?type=DEPOSIT"]
                routes += ["balance/explain/", "holds/", "limits/"]
                self.send("GET", path + self.random.choice(routes))
            case "capture" | "void":
                self.send("GET", "holds/")
            case _:
                self._manage(path, chosen)

    def _open(self) -> None:
        body: dict[str, Any] = {
            "name": "Ada",
            "currency": self.random.choice(["USD", "USD", "USD", "JPY", "KWD"]),
        }
        if self.random.random() < 0.2:
            body["initial_balance"] = self._amount()
        opened = self.send("POST", "accounts/", body, keyed=True)
        if "number" in opened and opened["account_id"] not in self.account_ids:
            self.account_ids.append(opened["account_id"])

    def _hold(self, path: str) -> None:
        body: dict[str, Any] = {"amount": self._amount()}
        if self.random.random() < 0.5:
            body["target_account_id"] = self.random.choice(self.account_ids)
        placed = self.send("POST", f"{path}hold/", body, keyed=True)
        if "hold_id" in placed and placed["hold_id"] not in self.hold_ids:
            self.hold_ids.append(placed["hold_id"])

    def _end(self, path: str, action: str) -> None:
        if action == "void":
            self.send("POST", f"{path}void/", {"reason": "by chance"})
            return
        body: dict[str, Any] = {"final": self.random.random() < 0.3}
        if self.random.random() < 0.6:
            body["amount"] = self._amount()
        self.send("POST", f"{path}capture/", body, keyed=True)

    def _manage(self, path: str, action: str) -> None:
        body: dict[str, Any] = {"reason": "by chance"}
        if action == "freeze":
            body["scope"] = self.random.choice(["debits", "credits", "all", "nothing"])
        if action == "overdraft_limit":
            body["overdraft_limit"] = self._amount()
        if action == "limits":
            count = self.random.choice([None, None, 3, 30])
            body |= {"max_amount": self._amount(), "daily_amount": self._amount()}
            body["daily_count"] = count
        self.send("POST", f"{path}{action}/", body)

    def _amount(self) -> Any:
        return self.random.choice(BAD_AMOUNTS if self.random.random() < 0.1 else AMOUNTS)


def run_commands(seed: int, commands: int) -> dict[str, Any]:
    """An empty bank's responses to this many requests, its ledger, and the verifier's findings.

    `completed` has the types of transactions completed at least once.
    """
    customer = Customer(seed)
    # A request id that is the same on both databases, as in other tests.
    with override_settings(TRUSTS_REQUEST_IDS=True):
        for _ in range(commands):
            customer.step()
    ledger = [
        customer.canonical.text(list(row.values()))
        for model in (Account, AccountEvent, Transaction, Hold, HoldEvent)
        for row in model._default_manager.order_by("pk").values()
        # The ids of internal accounts have no time: they come from code and currency.
        if row.get("kind") != "INTERNAL"
    ]
    findings = verify().as_json()["findings"]
    completed = Transaction.objects.filter(status="COMPLETED").order_by()
    return {
        "answers": customer.answers,
        "ledger": ledger,
        "findings": findings,
        "completed": sorted(completed.values_list("type", flat=True).distinct()),
    }


def main() -> None:
    """Runs as a separate process: migrates its database, and prints the result of the job."""
    setup_test_environment()
    logging.disable(logging.WARNING)
    call_command("migrate", verbosity=0)
    print(json.dumps(run_commands(**json.loads(sys.argv[1]))))
