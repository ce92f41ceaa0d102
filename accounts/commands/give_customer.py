"""Give an account its customer."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from accounts.commands.base import AccountCommand
from accounts.models import Account
from accounts.states import AccountEventType
from core.errors import FieldError, InvalidInput, InvalidTransition
from customers.commands.base import refuse_inactive
from customers.selectors import customer_of_opening


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveCustomer(AccountCommand):
    """Gives a customer to an account that has none. The customer's user becomes its owner.

    Raises InvalidInput for an unknown customer; InvalidTransition if the account has a customer, if
    its owner is another user, or if the customer is not active.
    """

    verb: ClassVar[str] = "give customer"
    event: ClassVar[AccountEventType] = AccountEventType.CUSTOMER_GIVEN
    columns: ClassVar[tuple[str, ...]] = ("customer_id", "owner_id")

    customer_id: UUID

    def change(self, account: Account) -> None:
        customer = customer_of_opening(self.customer_id, None)
        assert customer is not None, "The read with an id finds one, or raises."
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
