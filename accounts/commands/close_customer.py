"""Close a customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from accounts.models import Account
from accounts.states import AccountStatus
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
        accounts = Account.objects.filter(customer=customer.pk)
        if accounts.exclude(status=AccountStatus.CLOSED).exists():
            raise InvalidTransition(f"Customer {customer.number} has an open account: close it.")
        customer.status = CustomerStatus.CLOSED
        return ["status"]
