"""Changes of accounts, transactions and holds, as the feed tells them and each reader may see them.

A change is a row of one of four tables: the audit log of accounts, the journal (the creation of a
transaction), the later transitions of transactions, and the events of holds. None of these rows is
deleted, and the first status of a transaction follows from its first transition. So the feed needs
no table of its own: docs/adr/0032-the-feed-follows-commits.md.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.models import AccountEvent
from accounts.selectors import ids_of_owner, sees_all_accounts
from accounts.states import AccountEventType
from core.api.fields import json_moment
from core.money import format_amount, format_units, raw_units
from transactions.models import HoldEvent, Transaction, TransactionEvent
from transactions.reads.holds import sees_all_holds
from transactions.reads.lists import own_accounts, owner_of
from transactions.reads.representation import sides
from transactions.states import (
    HoldEventType,
    TransactionEventType,
    TransactionStatus,
    TransactionType,
)

# The type of a new transaction, by its status.
_OF_NEW = {
    TransactionStatus.PENDING.value: "transaction.created",
    TransactionStatus.COMPLETED.value: "transaction.completed",
    TransactionStatus.FAILED.value: "transaction.failed",
}
# Between members of staff; a customer's own data do not change.
_ACCOUNT_EVENTS_OF_STAFF = frozenset(
    {
        AccountEventType.OVERDRAFT_LIMIT_REQUESTED,
        AccountEventType.OVERDRAFT_LIMIT_REJECTED,
        AccountEventType.LIMITS_REQUESTED,
        AccountEventType.LIMITS_REJECTED,
        AccountEventType.DAMAGE_FOUND,
        AccountEventType.DEBITS_RELEASED,
        AccountEventType.DAMAGE_MENDED,
    }
)
# How workers and staff share the work. The status that a customer sees does not depend on it.
_TRANSITIONS_OF_STAFF = frozenset(
    {
        TransactionEventType.STARTED,
        TransactionEventType.RELEASED,
        TransactionEventType.LEASE_LOST,
        TransactionEventType.APPROVED,
    }
)
_COMPLETED, _REVERSAL = TransactionStatus.COMPLETED.value, TransactionType.REVERSAL.value

TYPES: tuple[str, ...] = tuple(
    dict.fromkeys(
        [
            *_OF_NEW.values(),
            *(f"transaction.{one.value.lower()}" for one in TransactionEventType),
            *(f"account.{one.value.lower()}" for one in AccountEventType),
            *(f"hold.{one.value.lower()}" for one in HoldEventType),
        ]
    )
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `id` is that of its row, `at` the moment of the change."""

    id: UUID
    type: str
    at: datetime
    data: dict[str, Any]

    def represent(self) -> dict[str, Any]:
        """Its members as JSON."""
        at = json_moment(self.at)
        return {"id": self.id, "type": self.type, "timestamp": at, "data": self.data}


@dataclass(frozen=True, slots=True)
class ChangeReader:
    """Who reads: the owner whose rows of each kind are told; None means all of them."""

    owner_of_transactions: int | None = None
    owner_of_accounts: int | None = None
    owner_of_holds: int | None = None

    @classmethod
    def of(cls, user: Any) -> "ChangeReader":
        return cls(
            owner_of(user),
            None if sees_all_accounts(user) else user.pk,
            None if sees_all_holds(user) else user.pk,
        )

    @property
    def sees_all(self) -> bool:
        return self == ChangeReader()


class _Movement(NamedTuple):
    """What a change says about its transaction, apart from the status. Amounts are in units."""

    transaction_id: UUID
    type: str
    debit_account_id: UUID
    credit_account_id: UUID
    amount: int
    currency: str

    def data(self, status: str, before: str | None, failure: str) -> dict[str, Any]:
        account_id, target_account_id = sides(self)
        return {
            "transaction_id": self.transaction_id,
            "type": self.type,
            "account_id": account_id,
            "target_account_id": target_account_id,
            "amount": format_units(self.amount, self.currency),
            "currency": self.currency,
            "status": status,
            "previous_status": before,
            "failure_code": failure or None,
        }

    def is_told(self, own: Collection[UUID] | None, status: str) -> bool:
        """Whether the owner of these accounts is told that the transaction has this status now.

        The payee, and everybody who has to do with a reversal, hears of its completion only.
        """
        return status == _COMPLETED or self.is_followed_by(own)

    def is_followed_by(self, own: Collection[UUID] | None) -> bool:
        """Whether the owner of these accounts hears each of its statuses."""
        if own is None:
            return True
        return self.debit_account_id in own and self.type != _REVERSAL


_OF_MOVEMENT = ("id", "type", "debit_account_id", "credit_account_id", "amount", "currency")
Found = dict[UUID, Change]


def _account_changes(ids: Collection[UUID], reader: ChangeReader) -> Found:
    rows = AccountEvent.objects.filter(pk__in=ids)
    own = own_accounts(reader.owner_of_accounts)
    if own is not None:
        rows = rows.filter(account_id__in=own).exclude(event__in=_ACCOUNT_EVENTS_OF_STAFF)
    columns = rows.order_by().values_list("id", "event", "at", "account_id", "account__number")
    return {
        pk: Change(
            pk,
            f"account.{event.lower()}",
            at,
            {"account_id": account_id, "account_number": number},
        )
        for pk, event, at, account_id, number in columns
    }


def _new_transactions(ids: Collection[UUID], reader: ChangeReader) -> Found:
    rows = Transaction.objects.filter(_of_owner(reader, ""), pk__in=ids).order_by()
    columns = [raw_units(one) if one == "amount" else one for one in _OF_MOVEMENT]
    found = list(rows.values_list(*columns, "status", "failure_code", "created_at"))
    first = _first_statuses([row[0] for row in found])
    own = _own(reader)
    changes: Found = {}
    for *of_movement, present, present_failure, at in found:
        movement = _Movement(*of_movement)
        pk = movement.transaction_id
        status, failure = first.get(pk, (present, present_failure))
        if movement.is_told(own, status):
            data = movement.data(status, None, failure)
            changes[pk] = Change(pk, _OF_NEW[status], at, data)
    return changes


def _first_statuses(ids: Collection[UUID]) -> dict[UUID, tuple[str, str]]:
    """The status and the failure that each of these had before its first transition, if any."""
    rows = TransactionEvent.objects.filter(transaction_id__in=ids).order_by("-id")
    columns = rows.values_list("transaction_id", "from_status", "detail")
    # The oldest comes last, and stays.
    return {pk: (status, _failure(detail, of=status)) for pk, status, detail in columns}


def _transitions(ids: Collection[UUID], reader: ChangeReader) -> Found:
    rows = TransactionEvent.objects.filter(_of_owner(reader, "transaction__"), pk__in=ids)
    if reader.owner_of_transactions is not None:
        rows = rows.exclude(event__in=_TRANSITIONS_OF_STAFF)
    columns = [
        raw_units("transaction__amount") if one == "amount" else f"transaction__{one}"
        for one in _OF_MOVEMENT
    ]
    own = _own(reader)
    changes: Found = {}
    told = rows.order_by().values_list(
        *columns, "id", "event", "from_status", "to_status", "detail", "at"
    )
    for *of_movement, pk, event, before, after, detail, at in told:
        movement = _Movement(*of_movement)
        if movement.is_told(own, after):
            told_before = before if movement.is_followed_by(own) else None
            data = movement.data(after, told_before, _failure(detail, of=after))
            changes[pk] = Change(pk, f"transaction.{event.lower()}", at, data)
    return changes


def _hold_changes(ids: Collection[UUID], reader: ChangeReader) -> Found:
    rows = HoldEvent.objects.filter(pk__in=ids).select_related("hold").order_by()
    own = own_accounts(reader.owner_of_holds)
    if own is not None:
        rows = rows.filter(hold__account_id__in=own)
    return {
        event.id: Change(event.id, f"hold.{event.event.lower()}", event.at, _data_of_hold(event))
        for event in rows
    }


def _data_of_hold(event: HoldEvent) -> dict[str, Any]:
    hold = event.hold
    amounts = {"amount": hold.amount, "captured": event.captured, "held": event.held}
    return {
        "hold_id": hold.pk,
        "account_id": hold.account_id,
        "target_account_id": hold.target_account_id,
        **{name: format_amount(value, hold.currency) for name, value in amounts.items()},
        "currency": hold.currency,
        "status": event.status,
        "transaction_id": event.transaction_id,
    }


def _failure(detail: dict[str, Any], *, of: str) -> str:
    """The failure in the detail of a transition, if it is the failure of this status."""
    return str(detail.get("failure_code", "")) if of == TransactionStatus.FAILED else ""


def _of_owner(reader: ChangeReader, prefix: str) -> Q:
    own = own_accounts(reader.owner_of_transactions)
    if own is None:
        return Q()
    debited, credited = f"{prefix}debit_account_id__in", f"{prefix}credit_account_id__in"
    return Q(**{debited: own}) | Q(**{credited: own})


def _own(reader: ChangeReader) -> frozenset[UUID] | None:
    owner_id = reader.owner_of_transactions
    return None if owner_id is None else ids_of_owner(owner_id)


# One for each table, in the order of `events.positions.TABLES`.
_READ: tuple[Callable[[Collection[UUID], ChangeReader], Found], ...] = (
    _account_changes,
    _new_transactions,
    _transitions,
    _hold_changes,
)


def changes_of(table: int, ids: Iterable[UUID], reader: ChangeReader) -> Found:
    """The changes with these ids that the reader may see, by id. `table` is an index of TABLES."""
    wanted = list(ids)
    return _READ[table](wanted, reader) if wanted else {}
