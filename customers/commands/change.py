"""Change the details of a customer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from core.commands import Origin
from customers.commands.base import CustomerCommand, refuse_inactive
from customers.details import checked_details
from customers.models import Customer
from customers.states import CustomerEventType


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCustomer(CustomerCommand):
    """Changes the given `details` (names of `details.DETAILS`) and leaves the others.

    Raises InvalidInput, and InvalidTransition if the customer is not active. Details that are so
    already leave no event.
    """

    verb: ClassVar[str] = "change customer"
    event: ClassVar[CustomerEventType] = CustomerEventType.CHANGED

    details: Mapping[str, Any]

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        refuse_inactive(customer)
        changed = []
        for name, value in checked_details(customer.kind, self.details, now.date()).items():
            if getattr(customer, name) != value:
                setattr(customer, name, value)
                changed.append(name)
        return changed
