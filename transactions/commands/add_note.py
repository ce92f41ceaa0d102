"""Write a note about an account, a customer or a transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from accounts.models import Account
from accounts.self_dealing import refuse_self_dealing
from core.commands import KeyedCommand, Origin
from core.errors import InvalidTransition, NotFound
from core.identifiers import uuid7
from customers.commands.base import refuse_own_record
from customers.models import Customer
from customers.states import CustomerStatus
from transactions.ledger.run import Run
from transactions.models import Note, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote(KeyedCommand[Note]):
    """Writes a note about one thing: exactly one of the three ids is given.

    Its time is the database's. It takes no lock that a movement of money waits for. Raises
    NotFound, SelfDealing if the thing is that of the member of staff who writes, and
    InvalidTransition if it concerns a forgotten customer: nobody could erase the text any more.
    """

    verb: ClassVar[str] = "add note"
    keys_of: ClassVar[tuple[type[Note], str]] = (Note, "caller")

    text: str
    account_id: UUID | None = None
    customer_id: UUID | None = None
    transaction_id: UUID | None = None

    def account_ids(self) -> tuple[UUID, ...]:
        return ()

    def execute(self, run: Run) -> Note:
        return run.call(self.apply)

    def apply(self, origin: Origin, now: datetime) -> Note:
        """Inserts the note. The customers that it concerns stay locked until the commit."""
        if self.customer_id is not None:
            _lock_customers([self.customer_id], origin)
        else:
            accounts = self._accounts()
            refuse_self_dealing(accounts, origin)
            _lock_customers({one.customer_id for one in accounts if one.customer_id}, origin)
        return Note.objects.create(
            id=uuid7(now),
            account_id=self.account_id,
            customer_id=self.customer_id,
            transaction_id=self.transaction_id,
            text=self.text,
            actor_id=origin.user_id,
            caller=origin.caller,
            idempotency_key=self.idempotency_key,
            request_fingerprint=self.request_fingerprint,
            request_id=origin.request_id,
            address=origin.address,
            at=now,
        )

    def _accounts(self) -> list[Account]:
        """The account, or both accounts of the transaction. Raises NotFound."""
        if self.account_id is not None:
            account = Account.objects.filter(pk=self.account_id).first()
            if account is None:
                raise NotFound(f"There is no account {self.account_id}.")
            return [account]
        assert self.transaction_id is not None, "A note is about one thing."
        moved = Transaction.objects.select_related("debit_account", "credit_account")
        transaction = moved.filter(pk=self.transaction_id).first()
        if transaction is None:
            raise NotFound(f"There is no transaction {self.transaction_id}.")
        return [transaction.debit_account, transaction.credit_account]


def _lock_customers(customer_ids: Iterable[UUID], origin: Origin) -> None:
    """Keeps the customers from being forgotten meanwhile; refuses those that are."""
    wanted = set(customer_ids)
    locked = Customer.objects.select_for_update(no_key=True).filter(pk__in=wanted)
    found = {customer.pk: customer for customer in locked.order_by("pk")}
    if missing := wanted - found.keys():
        raise NotFound(f"There is no customer {min(missing)}.")
    for customer in found.values():
        refuse_own_record(customer.pk, customer.user_id, origin)
        if customer.status == CustomerStatus.FORGOTTEN:
            raise InvalidTransition(
                f"Customer {customer.number} is forgotten: nothing is noted about them."
            )
