"""A deposit, a transfer and a history, by the Python client that is generated from the schema.

Takes BANK_URL, CLIENT_ID and CLIENT_SECRET from the environment; docs/clients.md says how.
"""

import os
from collections.abc import Iterator
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

from bank_client import AuthenticatedClient, Client
from bank_client.api.accounts import accounts_open
from bank_client.api.money import accounts_deposit, accounts_transfer
from bank_client.api.o_auth_2 import oauth_token
from bank_client.api.transactions import accounts_transactions
from bank_client.models import (
    AccountTransactionPage,
    AmountBodyRequest,
    DirectedTransaction,
    OpenAccountBodyRequest,
    OpenedAccount,
    Problem,
    ProblemCode,
    Token,
    TokenRequest,
    TokenRequestGrantType,
    Transaction,
    TransferBodyRequest,
)
from bank_client.types import UNSET

SCOPES = "accounts:read accounts:write transactions:read transactions:write"
Answer = TypeVar("Answer")


class Refused(Exception):
    """The bank answered something else than what was hoped for."""

    def __init__(self, answer: object) -> None:
        super().__init__(
            f"{answer.code}: {answer.detail}" if isinstance(answer, Problem) else answer
        )
        self.code = answer.code if isinstance(answer, Problem) else None


def expect(kind: type[Answer], answer: object) -> Answer:
    """The answer, known to be of this kind. Raises Refused for any other."""
    if not isinstance(answer, kind):
        raise Refused(answer)
    return answer


def get_token(bank_url: str) -> str:
    form = TokenRequest(
        grant_type=TokenRequestGrantType.CLIENT_CREDENTIALS,
        scope=SCOPES,
        client_id=os.environ["CLIENT_ID"],
        client_secret=os.environ["CLIENT_SECRET"],
    )
    with Client(base_url=bank_url) as client:
        return expect(Token, oauth_token.sync(client=client, body=form)).access_token


def open_account(client: AuthenticatedClient, name: str) -> UUID:
    body = OpenAccountBodyRequest(name=name)
    return expect(OpenedAccount, accounts_open.sync(client=client, body=body)).account_id


def deposit(client: AuthenticatedClient, account_id: UUID, amount: str, key: str) -> Transaction:
    """Sent twice with one key, as after an answer that was lost, it has one effect."""
    body = AmountBodyRequest(amount=amount, description="Salary")
    answer = accounts_deposit.sync(account_id, client=client, body=body, idempotency_key=key)
    return expect(Transaction, answer)


def transfer(client: AuthenticatedClient, payer: UUID, payee: UUID, amount: str) -> Transaction:
    body = TransferBodyRequest(target_account_id=payee, amount=amount)
    answer = accounts_transfer.sync(payer, client=client, body=body, idempotency_key=str(uuid4()))
    return expect(Transaction, answer)


def history(client: AuthenticatedClient, account_id: UUID) -> Iterator[DirectedTransaction]:
    """All transactions of the account, newest first, read in pages of two."""
    cursor: str | None = None
    while True:
        answer = accounts_transactions.sync(
            account_id, client=client, page_size=2, cursor=UNSET if cursor is None else cursor
        )
        page = expect(AccountTransactionPage, answer)
        yield from page.results
        if page.next_ is None:
            return
        (cursor,) = parse_qs(urlsplit(page.next_).query)["cursor"]


def csv_lines(client: AuthenticatedClient, account_id: UUID) -> Iterator[str]:
    """The history as a file, by the connection: generated functions read JSON only."""
    url = f"/api/v1/accounts/{account_id}/transactions/"
    with client.get_httpx_client().stream("GET", url, params={"format": "csv"}) as answer:
        answer.raise_for_status()
        yield from answer.iter_lines()


def main() -> None:
    bank_url = os.environ["BANK_URL"]
    with AuthenticatedClient(base_url=bank_url, token=get_token(bank_url)) as client:
        payer, payee = open_account(client, "Python Payer"), open_account(client, "Python Payee")
        key = str(uuid4())
        first, again = (deposit(client, payer, "100.00", key) for _ in range(2))
        assert first.transaction_id == again.transaction_id
        print("Balance after the transfer:", transfer(client, payer, payee, "30.25").balance_after)
        try:
            transfer(client, payer, payee, "500.00")
        except Refused as refusal:
            if refusal.code is not ProblemCode.INSUFFICIENT_FUNDS:
                raise
            print("Refused:", refusal)
        for row in history(client, payer):
            print(row.type_.value, row.direction.value, row.amount, row.status.value)
        print("Lines of the CSV file:", len(list(csv_lines(client, payer))))


if __name__ == "__main__":
    main()
