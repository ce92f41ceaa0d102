"""Base of all commands on one customer: a locked row, a change, and its event."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, TypeVar
from uuid import UUID

from core.commands import Command, Origin
from core.errors import InvalidTransition, NotFound, SelfDealing
from core.identifiers import uuid7
from customers.models import Customer, CustomerEvent
from customers.states import CustomerEventType

T = TypeVar("T")

# Added to the last change of a customer, so that the times of its events always increase.
_TICK = timedelta(microseconds=1)


class CustomerRun(Protocol):
    """The part of `transactions.ledger.run.Run` that a customer command needs."""

    def call(self, apply: Callable[[Origin, datetime], T]) -> T: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerCommand(Command[Customer]):
    """A change to one customer's record. `reason` is kept in the CustomerEvent.

    Raises NotFound, and SelfDealing if the record is that of the member of staff who asks.
    """

    event: ClassVar[CustomerEventType]

    customer_id: UUID
    reason: str = ""

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def execute(self, run: CustomerRun) -> Customer:
        return run.call(self.apply)

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        """Checks and changes the customer in memory, and what depends on it in the database.

        Returns the names of the columns that changed. Raises a BankError to refuse.
        """
        raise NotImplementedError

    def apply(self, origin: Origin, now: datetime) -> Customer:
        """Reads, changes and writes the locked customer, and records the event."""
        customer = read_locked(self.customer_id)
        refuse_own_record(customer.pk, customer.user_id, origin)
        columns = self.change(customer, origin, now)
        if columns:
            customer.updated_at = max(now, customer.updated_at + _TICK)
            at = customer.updated_at
            record_event(customer, self.event, origin, at, reason=self.reason, changed=columns)
            customer.save(update_fields=[*columns, "updated_at"])
        return customer


def read_locked(customer_id: UUID) -> Customer:
    """The customer, locked until the database transaction ends. Raises NotFound."""
    found = Customer.objects.select_for_update(no_key=True).filter(pk=customer_id).first()
    if found is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return found


def refuse_own_record(customer_id: UUID, user_id: int | None, origin: Origin) -> None:
    """Raises SelfDealing if the user of the record is the member of staff in `origin`."""
    if user_id is not None and user_id == origin.user_id and not origin.as_customer:
        raise SelfDealing(customer_id, what="Customer")


def refuse_inactive(customer: Customer) -> None:
    """Raises InvalidTransition for a closed or forgotten customer."""
    if not customer.is_active:
        status = customer.get_status_display().lower()
        raise InvalidTransition(f"Customer {customer.number} is {status}.")


def record_event(
    customer: Customer,
    event: CustomerEventType,
    origin: Origin,
    now: datetime,
    *,
    reason: str,
    changed: Iterable[str],
) -> CustomerEvent:
    """Writes the event in the caller's database transaction. `changed` are names, not values."""
    return CustomerEvent.objects.create(
        id=uuid7(now),
        customer=customer,
        event=event,
        actor_id=origin.user_id,
        caller=origin.caller,
        reason=reason,
        changed=sorted(changed),
        request_id=origin.request_id,
        address=origin.address,
        at=now,
    )
