"""Reopen a closed customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.commands import Origin
from core.errors import InvalidTransition
from customers.commands.base import CustomerCommand
from customers.models import Customer
from customers.states import CustomerEventType, CustomerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenCustomer(CustomerCommand):
    """Makes a closed customer active again. Raises InvalidTransition unless it is closed."""

    verb: ClassVar[str] = "reopen customer"
    event: ClassVar[CustomerEventType] = CustomerEventType.REOPENED

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        if customer.status != CustomerStatus.CLOSED:
            status = customer.get_status_display().lower()
            raise InvalidTransition(f"Customer {customer.number} is {status}, not closed.")
        customer.status = CustomerStatus.ACTIVE
        return ["status"]
