"""An account as JSON: one function for all responses.

A DRF serializer would take twenty times as long, because it looks up its fields for each row.
`AccountSerializer` only describes the members, and the tests check every response against that
description.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from accounts.models import Account
from accounts.states import shown_status
from core.api.fields import json_moment
from core.money import format_units, raw_units, to_units


class AccountRow(NamedTuple):
    """An account with its amounts in 1/10,000 of the main unit, and with the owner's user name.

    An internal account has neither a balance nor a sequence.
    """

    id: UUID
    number: str
    name: str
    owner: str | None
    customer: UUID | None
    currency: str
    balance: int | None
    overdraft_limit: int
    held: int
    status: str
    debits_blocked: bool
    credits_blocked: bool
    metadata: dict[str, str]
    created_at: datetime
    updated_at: datetime
    last_sequence: int | None
    last_posted_at: datetime | None

    @property
    def available_balance(self) -> int | None:
        return None if self.balance is None else self.balance + self.overdraft_limit - self.held

    @classmethod
    def of(cls, account: Account) -> "AccountRow":
        """The row of an account that a command returned. May read the owner: one statement."""
        return cls(
            id=account.id,
            number=account.number,
            name=account.name,
            owner=account.owner.get_username() if account.owner else None,
            customer=account.customer_id,
            currency=account.currency,
            balance=None if account.balance is None else to_units(account.balance),
            overdraft_limit=to_units(account.overdraft_limit),
            held=to_units(account.held),
            status=account.status,
            debits_blocked=account.debits_blocked,
            credits_blocked=account.credits_blocked,
            metadata=account.metadata,
            created_at=account.created_at,
            updated_at=account.updated_at,
            last_sequence=account.last_sequence,
            last_posted_at=account.last_posted_at,
        )


# The columns of a row, as `values_list` takes them.
COLUMNS: tuple[Any, ...] = tuple(
    {"owner": "owner__username", "customer": "customer_id"}.get(name, name)
    if name not in {"balance", "overdraft_limit", "held"}
    else raw_units(name)
    for name in AccountRow._fields
)


def represent(account: Account | AccountRow) -> dict[str, Any]:
    """The members of an account as clients see it, as `core.json_bytes` writes them."""
    row = account if isinstance(account, AccountRow) else AccountRow.of(account)
    currency, available = row.currency, row.available_balance
    return {
        "account_id": row.id,
        "number": row.number,
        "name": row.name,
        "owner": row.owner,
        "customer": None if row.customer is None else str(row.customer),
        "currency": currency,
        "balance": None if row.balance is None else format_units(row.balance, currency),
        "available_balance": None if available is None else format_units(available, currency),
        "overdraft_limit": format_units(row.overdraft_limit, currency),
        "held": format_units(row.held, currency),
        "status": shown_status(row.status, row.debits_blocked, row.credits_blocked),
        "debits_blocked": row.debits_blocked,
        "credits_blocked": row.credits_blocked,
        # Sorted, because databases keep different orders, and the response's tag depends on the
        # order.
        "metadata": dict(sorted(row.metadata.items())) if row.metadata else {},
        "created_at": json_moment(row.created_at),
        "updated_at": json_moment(row.updated_at),
    }
