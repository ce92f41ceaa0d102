"""A bank that a test puts under load, and the proof at its end."""

from dataclasses import dataclass
from random import Random
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection

from clients.registry import create_client, issue_token
from clients.scopes import SCOPES
from tests.concurrency.client import Client
from tests.concurrency.model import History, violations
from tests.concurrency.tally import Tally
from tests.factories import make_account
from transactions.verifier import verify

# The sum of customers' balances, the bank's cash, and the sum of all postings, in 1/10,000 of the
# main unit. One statement, so they are of one moment.
_TOTALS = """
    SELECT (SELECT sum(balance) FROM accounts_account WHERE kind = 'CUSTOMER'),
           (SELECT sum(entry.amount) FROM transactions_entry AS entry
            JOIN accounts_account AS account ON account.id = entry.account_id
            WHERE account.kind = 'INTERNAL'),
           (SELECT sum(amount) FROM transactions_entry)"""


@dataclass(slots=True)
class Bank:
    """Serves on `client`. All random choices of a test come from `random`."""

    client: Client
    random: Random
    tally: Tally

    def open(self, *, balance: str | int = 0, **opening: Any) -> str:
        return str(make_account(balance=balance, **opening).id)

    def balance(self, account_id: str) -> str:
        balance: str = self.client.get(f"accounts/{account_id}/")["balance"]
        return balance

    def history(self) -> History:
        accounts = list(self.client.walk("accounts/"))
        return History(
            accounts=accounts,
            transactions=list(self.client.walk("transactions/")),
            entries={
                account["account_id"]: list(
                    self.client.walk(f"accounts/{account['account_id']}/entries/")
                )
                for account in accounts
            },
        )

    def prove(self, *, frozen_once: tuple[str, ...] = ()) -> History:
        """Asserts that the model explains the whole history, and the verifier finds nothing."""
        history = self.history()
        assert violations(history, frozen_once=frozen_once) == []
        report = verify()
        assert report.ok, "\n".join(report.lines())
        self.tally.add("transactions replayed by the model", len(history.transactions))
        self.tally.add("ledgers verified")
        return history


def totals() -> tuple[int, int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS)
        row: tuple[int, int, int] = cursor.fetchone()
    return row


def supervisor_token() -> str:
    """A token of a client with all rights."""
    user = get_user_model().objects.create_user("supervisor", is_staff=True)
    user.groups.add(Group.objects.get(name="supervisor"))
    client, _secret = create_client("load", user=user, scopes=list(SCOPES))
    return issue_token(client)
