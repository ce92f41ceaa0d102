"""Finds the account that a transfer credits, and says why an account cannot be credited."""

from typing import Any

from django.db.models import Q, QuerySet

from accounts.admin.filters import as_uuid
from accounts.models import Account
from accounts.search import account_condition
from accounts.selectors import visible_accounts
from accounts.states import AccountKind, AccountStatus
from accounts.words import AccountWord
from core.name_words import sought_words
from core.nearest_names import nearest_text
from core.numbers import LENGTH, is_valid_number
from core.search import contains

MOST = 10


def find_accounts(text: str, *, user: Any, source: Account) -> list[Account]:
    """Customer accounts matching `text` that the user may see: up to MOST, and one more.

    A whole number or an id names one account, whatever its currency and state. The beginning of a
    number or a part of a name finds open accounts of the source's currency, except the source
    itself.
    """
    customers = _customers(user)
    number = "".join(text.split())
    exact = Q(number=number)
    if account_id := as_uuid(text):
        exact = Q(pk=account_id)
    if named := list(customers.filter(exact)[:1]):
        return named
    likely = _usable(customers, source)
    # By indexes; only where no word begins like this, a walk through all names.
    for condition in (account_condition(text), contains("name", text)):
        # The newest are found along the primary key, so the walk ends with the last one shown.
        if found := list(likely.filter(condition).order_by("-id")[: MOST + 1]):
            return sorted(found, key=lambda account: (account.name, account.number))
        if number.isdigit():
            break
    return []


def suggested_accounts(text: str, *, user: Any, source: Account, limit: int) -> list[Account]:
    """Accounts to offer while `text` is typed, by indexes: first those that can be credited."""
    others = _customers(user).exclude(pk=source.pk).filter(account_condition(text))
    usable = list(_usable(others, source)[:limit])
    rest = others.exclude(pk__in=[account.pk for account in usable])
    return usable + list(rest[: limit - len(usable)])


def is_named_whole(account: Account, text: str) -> bool:
    """Whether `text` is the account's whole number, id or name, and not a part of it."""
    whole = ("".join(text.split()) == account.number) or as_uuid(text) == account.pk
    return whole or sorted(sought_words(text)) == sorted(sought_words(account.name))


def why_not(account: Account, source: Account) -> str:
    """Why the account cannot be credited from `source`, as far as it will stay so; "" if it can."""
    if account.currency != source.currency:
        return f"This account is in {account.currency}."
    return "This account is closed." if account.is_closed else ""


def why_none(text: str, *, user: Any, source: Account) -> str:
    """Why `find_accounts` finds nothing, in a sentence."""
    number = "".join(text.split())
    if len(number) == LENGTH and number.isdigit() and not is_valid_number(number):
        return "This number has a typing error."
    others = list(_customers(user).filter(account_condition(text))[:2])
    reason = why_not(others[0], source) if len(others) == 1 else ""
    if reason:
        return reason
    none = f"No open account in {source.currency} has this number or name."
    return none + _near(text, user, source)


def _near(text: str, user: Any, source: Account) -> str:
    """A question about the nearest name of an account to credit; "" without one."""
    meant = nearest_text(text, [AccountWord])
    usable = _usable(_customers(user), source).filter(account_condition(meant))
    return f" Did you mean {meant.title()}?" if meant and usable.exists() else ""


def _customers(user: Any) -> QuerySet[Account]:
    accounts = visible_accounts(user).select_related("owner", "customer")
    return accounts.filter(kind=AccountKind.CUSTOMER)


def _usable(accounts: QuerySet[Account], source: Account) -> QuerySet[Account]:
    open_ones = accounts.filter(status=AccountStatus.ACTIVE, currency=source.currency)
    return open_ones.exclude(pk=source.pk)
