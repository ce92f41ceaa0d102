"""Opening an account by the API, with a deposit of its initial balance."""

from typing import Any

from django.conf import settings
from rest_framework.request import Request

from accounts.commands import OpenAccount
from accounts.models import Account
from accounts.selectors import owner_id
from accounts.serializers import opening_defaults
from core.api.idempotency import keyed_fields
from core.api.requests import origin_of, without_nulls
from core.commands import Command
from core.errors import InvalidInput
from core.money import validate_amount
from transactions.commands import Deposit
from transactions.ledger.idempotency import Replay, find_replays
from transactions.ledger.processor import process


def open_account(request: Request, body: dict[str, Any]) -> Account | Replay:
    """Opens an account, once for its key, and pays in the initial balance.

    Raises InvalidInput for an unknown owner and for amounts that the currency cannot express.
    """
    keyed = keyed_fields(request, OpenAccount.verb, body, opening_defaults())
    origin = origin_of(request)
    body = without_nulls(body)
    initial_balance, owner = body.pop("initial_balance", None), body.pop("owner", None)
    body.setdefault("currency", settings.BANK_DEFAULT_CURRENCY)
    try:
        opening = OpenAccount(**body, **keyed, owner_id=owner_id(owner))
    except InvalidInput:
        # The owner may have been switched off since: what the key opened is still the answer.
        if replays := find_replays([OpenAccount(**body, **keyed)], origin):
            return replays[0]
        raise
    commands: list[Command] = [opening]
    if initial_balance:
        # The deposit would point at an amount, which this body does not have.
        validate_amount(initial_balance, body["currency"], pointer="/initial_balance")
        commands.append(
            Deposit(
                account_id=opening.account_id,
                amount=initial_balance,
                description="Initial balance",
            )
        )
    opened: Account | Replay = process(commands, origin)[0]
    return opened
