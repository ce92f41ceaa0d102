"""Finds the account that a transfer credits."""

from typing import Any

from django.db.models import Q

from accounts.admin.filters import as_uuid
from accounts.models import Account
from accounts.selectors import visible_accounts
from accounts.states import AccountKind, AccountStatus
from core.search import contains

MOST = 10


def find_accounts(text: str, *, user: Any, source: Account) -> list[Account]:
    """Customer accounts matching `text` that the user may see: up to MOST, and one more.

    A whole number or an id names one account, whatever its currency and state, so that the command
    can report what is wrong with it. The beginning of a number or a part of a name finds open
    accounts of the source's currency, except the source itself.
    """
    customers = visible_accounts(user).filter(kind=AccountKind.CUSTOMER)
    number = "".join(text.split())
    exact = Q(number=number)
    if account_id := as_uuid(text):
        exact = Q(pk=account_id)
    if named := list(customers.filter(exact)[:1]):
        return named
    likely = customers.filter(status=AccountStatus.ACTIVE, currency=source.currency)
    likely = likely.exclude(pk=source.pk)
    words = Q(number__startswith=number) if number.isdigit() else contains("name", text)
    # Finds the newest along the primary key, so the scan ends with the last account shown.
    found = likely.filter(words).order_by("-id")[: MOST + 1]
    return sorted(found, key=lambda account: (account.name, account.number))
