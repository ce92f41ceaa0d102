"""Check that a customer is still as the client has read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from core.api.conditions import Precondition, tag_of
from core.commands import Origin
from customers.commands.base import CustomerCommand
from customers.models import Customer
from customers.representation import represent


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectCustomer(CustomerCommand):
    """Refuses the whole list of commands if the customer has changed. Changes nothing itself.

    The check runs under the lock, so only one of two changes with the same tag succeeds. Raises
    PreconditionFailed.
    """

    verb: ClassVar[str] = "expect customer"

    precondition: Precondition

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        self.precondition.check_change(tag_of(represent(customer, with_note=True)))
        return []
