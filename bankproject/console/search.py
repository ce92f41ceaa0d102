"""The search across the bank: one list of finders, each for one kind of thing.

A finder finds what the user may see, at most as many as are shown, by indexes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import reverse

from accounts.models import HOLDER
from accounts.search import account_condition
from accounts.selectors import visible_accounts
from accounts.words import AccountWord, UserWord
from bankproject.console.words import list_link
from core.api.permissions import has_right
from core.console.admin import shown_money
from core.name_words import Words, rows_named
from core.nearest_names import nearest_text
from customers.search import customer_condition
from customers.selectors import READ_RIGHT as CUSTOMERS
from customers.selectors import visible_customers
from customers.words import CustomerWord
from transactions.admin.filters import shown_statuses
from transactions.reads.lists import READ_RIGHT
from transactions.reads.search import newest_found

SHOWN = 5
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Hit:
    """One row that was found: its name, what tells it from others, its page."""

    title: str
    detail: str
    link: str


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """The hits of one kind; `more` is the list with all of them, "" if all are shown."""

    title: str
    hits: list[Hit]
    more: str


@dataclass(frozen=True, slots=True)
class Finder:
    """`find(text, user, limit)` gives hits for users with `right`. `list_of` names their list.

    `words` is the table of the names' words, for the nearest name.
    """

    title: str
    right: str
    list_of: str
    find: Callable[[str, Any, int], Iterator[Hit]]
    words: Words = None


@dataclass(frozen=True, slots=True)
class Found:
    """`meant` is a text near to one that finds nothing, "" if there is none."""

    groups: list[FoundGroup]
    meant: str = ""

    @property
    def count(self) -> int:
        return sum(len(group.hits) for group in self.groups)


def search(text: str, user: Any) -> Found:
    """What the user may see of what `text` finds, in groups."""
    text = text.replace("\x00", "").strip()[:LONGEST]
    groups = _groups(text, user)
    if groups or not text:
        return Found(groups)
    meant = _meant(text, user)
    return Found([], meant if meant and _groups(meant, user) else "")


def _groups(text: str, user: Any) -> list[FoundGroup]:
    groups = []
    for finder in FINDERS if text else ():
        if not has_right(user, finder.right):
            continue
        if hits := list(finder.find(text, user, SHOWN + 1)):
            more = list_link(finder.list_of, q=text) if len(hits) > SHOWN else ""
            groups.append(FoundGroup(finder.title, hits[:SHOWN], more))
    return groups


def _meant(text: str, user: Any) -> str:
    """The nearest text, by the words of names that the user may see."""
    tables = [one.words for one in FINDERS if one.words and has_right(user, one.right)]
    return nearest_text(text, tables)


def _accounts(text: str, user: Any, limit: int) -> Iterator[Hit]:
    found = visible_accounts(user).select_related(*HOLDER).filter(account_condition(text))[:limit]
    for account in sorted(found, key=lambda one: (one.is_closed, one.full_name, one.number)):
        owner = f", owner {account.owner.get_username()}" if account.owner else ""
        balance = "" if account.balance is None else shown_money(account.balance, account.currency)
        detail = ", ".join(filter(None, (account.number, account.shown_status.label, balance)))
        yield Hit(account.full_name, detail + owner, _page("accounts_account", account))


def _customers(text: str, user: Any, limit: int) -> Iterator[Hit]:
    found = visible_customers(user).filter(customer_condition(text))[:limit]
    for one in sorted(found, key=lambda one: (one.name, one.number)):
        detail = f"{one.number}, {one.get_kind_display()}, {one.get_status_display()}"
        yield Hit(one.name, detail, _page("customers_customer", one))


def _transactions(text: str, _user: Any, limit: int) -> Iterator[Hit]:
    found = newest_found(text, limit)
    statuses = shown_statuses(found)
    for one in found:
        sides = f"{one.debit_account.full_name} to {one.credit_account.full_name}"
        words = (one.created_at.strftime("%Y-%m-%d"), statuses[one.pk], sides)
        detail = ", ".join(filter(None, (*words, one.description)))
        title = f"{one.get_type_display()} {shown_money(one.amount, one.currency)}"
        yield Hit(title, detail, _page("transactions_transaction", one))


def _users(text: str, _user: Any, limit: int) -> Iterator[Hit]:
    found = get_user_model().objects.filter(pk__in=rows_named(UserWord, text))
    for one in found.order_by("username")[:limit]:
        kind = "Staff" if one.is_staff else "Customer's login"
        detail = ", ".join(filter(None, (one.get_full_name(), kind)))
        yield Hit(one.get_username(), detail, _page("auth_user", one))


def _page(model: str, row: Any) -> str:
    return reverse(f"admin:{model}_change", args=(row.pk,))


FINDERS = [
    Finder("Accounts", "accounts.view_account", "accounts_account", _accounts, AccountWord),
    Finder("Customers", CUSTOMERS, "customers_customer", _customers, CustomerWord),
    Finder("Transactions", READ_RIGHT, "transactions_transaction", _transactions),
    Finder("Users", "auth.view_user", "auth_user", _users, UserWord),
]
