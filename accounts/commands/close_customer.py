"""Close a customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from accounts.selectors import has_open_account
from core.commands import Origin
from core.errors import InvalidTransition
from customers.commands.base import CustomerCommand, refuse_inactive
from customers.models import Customer
from customers.states import CustomerEventType, CustomerStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCustomer(CustomerCommand):
    """Ends the relation with a customer, who gets no new accounts.

    Raises InvalidTransition if the customer is not active, or has an open account.
    """

    verb: ClassVar[str] = "close customer"
    event: ClassVar[CustomerEventType] = CustomerEventType.CLOSED

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        refuse_inactive(customer)
        if has_open_account(customer.pk):
            raise InvalidTransition(f"Customer {customer.number} has an open account: close it.")
        customer.status = CustomerStatus.CLOSED
        return ["status"]
