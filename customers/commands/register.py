"""Register a customer."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from django.db import IntegrityError, transaction

from core import clock
from core.commands import KeyedCommand, Origin
from core.identifiers import moment_of, uuid7
from core.numbers import new_number
from customers.commands.base import CustomerRun, record_event
from customers.details import DETAILS, checked_details
from customers.models import Customer
from customers.states import CustomerEventType, CustomerKind

# Shorter than the number of an account, so that nobody takes one for the other.
NUMBER_LENGTH = 10
# In a bank with 100,000 customers, one new number in a thousand is already taken.
_NUMBER_ATTEMPTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterCustomer(KeyedCommand[Customer]):
    """Registers a customer without a user and without accounts. Raises InvalidInput."""

    verb: ClassVar[str] = "register customer"
    # They move no money, so they need not share the keys of movements.
    keys_of: ClassVar[tuple[type[Customer], str]] = (Customer, "idempotency_caller")

    name: str
    kind: str = CustomerKind.PERSON
    birth_date: date | None = None
    registration_number: str = ""
    email: str = ""
    phone: str = ""
    address: str = ""
    note: str = ""
    reason: str = ""
    customer_id: UUID = field(default_factory=lambda: uuid7(clock.now()))

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def execute(self, run: CustomerRun) -> Customer:
        return run.call(self.apply)

    def apply(self, origin: Origin, now: datetime) -> Customer:
        """Inserts the customer and the event."""
        given = {name: getattr(self, name) for name in DETAILS}
        details = checked_details(self.kind, given, now.date())
        created_at = moment_of(self.customer_id)
        for _ in range(_NUMBER_ATTEMPTS):
            number = new_number(NUMBER_LENGTH)
            try:
                with transaction.atomic():
                    customer = Customer.objects.create(
                        id=self.customer_id,
                        number=number,
                        kind=self.kind,
                        **details,
                        idempotency_caller=origin.caller if self.idempotency_key else None,
                        idempotency_key=self.idempotency_key,
                        request_fingerprint=self.request_fingerprint,
                        created_at=created_at,
                        updated_at=created_at,
                    )
            except IntegrityError:
                if not Customer.objects.filter(number=number).exists():
                    raise
                continue
            changed = [name for name in DETAILS if details[name]]
            event = CustomerEventType.REGISTERED
            record_event(customer, event, origin, now, reason=self.reason, changed=changed)
            return customer
        raise AssertionError(f"No free customer number in {_NUMBER_ATTEMPTS} attempts.")
