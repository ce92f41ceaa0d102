"""Opens an account and deposits its initial balance: for the API and the console."""

from decimal import Decimal
from typing import Any

from accounts.commands import OpenAccount
from accounts.models import Account
from accounts.selectors import user_id
from core.commands import Command, Origin
from core.errors import InvalidInput, InvalidTransition
from core.money import validate_amount
from transactions.commands import Deposit
from transactions.ledger.idempotency import Replay, find_replays
from transactions.ledger.processor import process
from transactions.models import Transaction
from transactions.reads.selectors import initial_deposit


def open_account(
    values: dict[str, Any], *, owner: str | None, initial_balance: Decimal | None, origin: Origin
) -> tuple[Account | Replay, Transaction | None]:
    """Opens an account, once for its key, and deposits the initial balance, if there is one.

    `values` are the parameters of `OpenAccount`, with the owner given by user name. Returns the
    account and the deposit, or None; for a repeated request, the Replay of the account and the
    deposit as it is now. Raises InvalidInput for an unknown owner and for amounts that the currency
    cannot express, and the errors of `OpenAccount`.
    """
    try:
        return _opened(values, owner, initial_balance, origin)
    except (InvalidInput, InvalidTransition):
        # The owner or the customer may be inactive by now, but the key still replays the account.
        if replays := find_replays([OpenAccount(**values)], origin):
            return replays[0], initial_deposit(replays[0].id)
        raise


def _opened(
    values: dict[str, Any], owner: str | None, initial_balance: Decimal | None, origin: Origin
) -> tuple[Account | Replay, Transaction | None]:
    owner_id = None if owner is None else user_id(owner, pointer="/owner")
    opening = OpenAccount(**values, owner_id=owner_id)
    commands: list[Command[Any]] = [opening]
    if initial_balance:
        # The deposit's error points at `amount`, which this request does not have.
        validate_amount(initial_balance, values["currency"], pointer="/initial_balance")
        deposit = Deposit(
            account_id=opening.account_id, amount=initial_balance, description="Initial balance"
        )
        commands.append(deposit)
    results: list[Any] = process(commands, origin)
    opened = results[0]
    if isinstance(opened, Replay):
        return opened, initial_deposit(opened.id)
    return opened, results[1].as_transaction() if len(results) > 1 else None
