"""Give an account its customer."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from accounts.commands.base import AccountCommand
from accounts.models import Account
from accounts.states import AccountEventType
from accounts.words import AccountWord
from core.commands import Origin
from core.errors import FieldError, InvalidInput, InvalidTransition
from core.name_words import keep_words
from customers.commands.base import refuse_inactive, refuse_own_record
from customers.models import Customer
from customers.selectors import customer_of_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveCustomer(AccountCommand):
    """Gives a customer to an account that has none. The customer's user becomes its owner.

    Raises InvalidInput for an unknown customer; InvalidTransition if the account has a customer, if
    its owner is another user, or if the customer is not active; SelfDealing if the member of staff
    would own the account.
    """

    verb: ClassVar[str] = "give customer"
    event: ClassVar[AccountEventType] = AccountEventType.CUSTOMER_GIVEN
    columns: ClassVar[tuple[str, ...]] = ("customer_id", "owner_id")

    customer_id: UUID

    def apply(self, origin: Origin, now: datetime) -> Account:
        customer = self._customer()
        refuse_own_record(customer.pk, customer.user_id, origin)
        return AccountCommand.apply(self, origin, now)

    def _customer(self) -> Customer:
        customer = customer_of_opening(self.customer_id, None)
        assert customer is not None, "The read with an id finds one, or raises."
        return customer

    def change(self, account: Account) -> None:
        customer = self._customer()
        if account.customer_id not in (None, customer.pk):
            raise InvalidTransition(f"Account {account.number} has a customer already.")
        if account.owner_id not in (None, customer.user_id):
            raise InvalidInput(
                errors=[
                    FieldError("/customer", "other_user", "The account belongs to another user.")
                ]
            )
        refuse_inactive(customer)
        account.customer = customer
        account.owner_id = customer.user_id
        keep_words(AccountWord, account)
