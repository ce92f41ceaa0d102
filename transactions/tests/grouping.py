"""Commands of several callers, and their outcomes as a group."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from accounts.models import Account
from core.commands import Origin
from transactions.commands import Deposit, MoneyCommand, Transfer, Withdraw
from transactions.ledger import groups
from transactions.ledger.groups import Asked

UNKNOWN = UUID(int=5)


def asked(command: MoneyCommand, name: str = "ann", **origin: Any) -> Asked:
    origin = {"caller": f"client:{name}", "request_id": name, "address": "192.0.2.1"} | origin
    return Asked(command, Origin(**origin))


def outcomes(*waiting: Asked) -> list[Any]:
    return groups.outcomes(waiting, groups.process_group)


def deposit(account: Account, amount: str | int = 1, **fields: Any) -> Deposit:
    return Deposit(account_id=account.id, amount=Decimal(amount), **fields)


def withdraw(account: Account, amount: str | int = 1, **fields: Any) -> Withdraw:
    return Withdraw(account_id=account.id, amount=Decimal(amount), **fields)


def transfer(source: Account, target: Account, amount: str | int = 1, **fields: Any) -> Transfer:
    return Transfer(
        account_id=source.id, target_account_id=target.id, amount=Decimal(amount), **fields
    )


def balance(account: Account) -> Decimal:
    return Account.objects.get(pk=account.pk).balance


def statuses(results: Sequence[Any]) -> list[str]:
    return [getattr(result, "status", type(result).__name__) for result in results]
