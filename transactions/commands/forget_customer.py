"""Forget a customer: replace their personal data, where the law asks for it."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from django.contrib.auth import get_user_model

from accounts.models import Account
from accounts.words import AccountWord
from core.commands import Origin
from core.errors import InvalidTransition
from core.name_words import keep_words
from customers.commands.base import CustomerCommand
from customers.models import FORGOTTEN_NAME, PERSONAL, Customer
from customers.states import CustomerEventType, CustomerStatus
from transactions.models import Note

_BLANK = Customer()
# The ways from a note to a customer whom it concerns.
_CONCERNED = (
    "customer",
    "account__customer",
    "transaction__debit_account__customer",
    "transaction__credit_account__customer",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCustomer(CustomerCommand):
    """Replaces the personal data of a closed customer for ever; the ledger stays whole.

    Also replaces the names and metadata of their accounts, and the name of their user, who cannot
    log in any more. Empties the notes about the customer, their accounts and the transactions of
    these. Raises InvalidTransition unless the customer is closed.
    """

    verb: ClassVar[str] = "forget customer"
    event: ClassVar[CustomerEventType] = CustomerEventType.FORGOTTEN

    def apply(self, origin: Origin, now: datetime) -> Customer:
        customer = CustomerCommand.apply(self, origin, now)
        # The database lets no note and no digest go before its customer is forgotten.
        Account.objects.filter(customer=customer.pk).update(request_fingerprint="")
        _empty_notes(customer)
        return customer

    def change(self, customer: Customer, origin: Origin, now: datetime) -> list[str]:
        if customer.status != CustomerStatus.CLOSED:
            status = customer.get_status_display().lower()
            raise InvalidTransition(f"Customer {customer.number} is {status}, not closed.")
        for name in PERSONAL:
            setattr(customer, name, getattr(_BLANK, name))
        customer.name = FORGOTTEN_NAME
        # A digest of what was sent could be compared with a guess.
        customer.request_fingerprint = ""
        customer.status = CustomerStatus.FORGOTTEN
        accounts = Account.objects.filter(customer=customer.pk)
        accounts.update(name=FORGOTTEN_NAME, metadata={})
        _forget_user(customer)
        for account in accounts.select_related("owner", "customer"):
            keep_words(AccountWord, account)
        return ["name", *PERSONAL, "request_fingerprint", "status"]


def _forget_user(customer: Customer) -> None:
    user = customer.user
    if user is None:
        return
    stored = get_user_model().objects.get(pk=user.pk)
    stored.username = f"forgotten-{customer.number}"
    stored.first_name = stored.last_name = stored.email = ""
    stored.is_active = False
    stored.set_unusable_password()
    stored.save()


def _empty_notes(customer: Customer) -> None:
    """Empties them also if they concern another customer too: the text may be about either."""
    for path in _CONCERNED:
        Note.objects.filter(**{path: customer.pk}).update(text="", request_fingerprint="")
