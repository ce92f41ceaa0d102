"""Finding the account that a transfer is to credit."""

from typing import Any

from django.db.models import Q

from accounts.admin.filters import as_uuid
from accounts.models import Account
from accounts.selectors import visible_accounts
from accounts.states import AccountKind, AccountStatus
from core.search import contains

MOST = 10


def find_accounts(text: str, *, user: Any, source: Account) -> list[Account]:
    """Customers' accounts that `text` may mean, among those the user may see: MOST, and one more.

    A whole number or an id names one, whatever its currency and state, so that the command says
    what is wrong with it. The beginning of a number and a part of a name find open accounts of the
    source's currency, others than itself.
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
    # The newest, along the primary key: it ends with the last that is shown.
    found = likely.filter(words).order_by("-id")[: MOST + 1]
    return sorted(found, key=lambda account: (account.name, account.number))
