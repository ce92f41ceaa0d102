"""Give a customer a user: the login with which they see their accounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.db.models import Q

from accounts.commands.base import read_locked
from accounts.commands.give_customer import GiveCustomer
from accounts.locks import lock_accounts
from accounts.models import Account
from accounts.states import AccountKind
from core.commands import Origin
from core.errors import FieldError, InvalidInput, InvalidTransition
from customers.commands.base import CustomerCommand, refuse_inactive, refuse_own_record
from customers.models import Customer
from customers.states import CustomerEventType


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUser(CustomerCommand):
    """Gives a customer without a user this one, who then owns all accounts of the customer.

    The accounts that the user owns already become accounts of the customer. Raises
    InvalidTransition if the customer has a user or is not active, and InvalidInput if the user has
    a customer.
    """

    verb: ClassVar[str] = "give user"
    event: ClassVar[CustomerEventType] = CustomerEventType.USER_GIVEN

    user_id: int

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        refuse_inactive(customer)
        refuse_own_record(customer.pk, self.user_id, origin)
        if customer.user_id is not None:
            raise InvalidTransition(f"Customer {customer.number} has a user already.")
        if Customer.objects.filter(user=self.user_id).exists():
            raise InvalidInput(
                errors=[FieldError("/user", "has_customer", "This user has a customer already.")]
            )
        customer.user_id = self.user_id
        customer.save(update_fields=["user"])  # Guards compare the accounts' owner with it.
        self._own_accounts(customer, origin, now)
        return ["user"]

    def _own_accounts(self, customer: Customer, origin: Origin, now: datetime) -> None:
        owned = Q(owner=self.user_id, customer__isnull=True, kind=AccountKind.CUSTOMER)
        found = Account.objects.filter(Q(customer=customer.pk) | owned)
        locked = lock_accounts(found.values_list("pk", flat=True))
        for account_id in sorted(locked):
            given = GiveCustomer(account_id=account_id, customer_id=customer.pk, reason=self.reason)
            given.set_on(read_locked(account_id), origin, now)
