"""How a search finds accounts: by number, by id, or by the words of names. By indexes alone."""

from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q

from accounts.models import Account
from accounts.words import AccountWord
from core.identifiers import ids_beginning
from core.name_words import begins, rows_named
from core.search import contains


def account_condition(text: str) -> Q:
    """Accounts whose number or id begins with `text`, or whose names have, for each word of it, a
    word that begins with it. No accounts for an empty text.
    """
    number = "".join(text.split())
    ids = ids_beginning(text)
    if number.isdigit():
        numbered = begins("number", number)
        if not ids:
            return numbered
        # One list of keys: the planner reads each part of it by its own index.
        with_id = _keys(Q(pk__range=ids))
        return Q(pk__in=_keys(numbered).union(with_id))
    if ids:
        return Q(pk__range=ids)
    if not number:
        return Q(pk__in=())
    numbered = _keys(begins("number", number.upper()))
    return Q(pk__in=rows_named(AccountWord, text).union(numbered))


def _keys(condition: Q) -> Any:
    return Account.objects.filter(condition).order_by().values_list("pk")


def account_condition_anywhere(text: str) -> Q:
    """As `account_condition`. If that finds nothing, words may be anywhere in the names.

    That reads all accounts, so it is for lists only.
    """
    found = account_condition(text)
    if "".join(text.split()).isdigit() or Account.objects.filter(found).exists():
        return found
    names = ("name", "customer__name", "owner__username")
    return reduce(or_, (contains(name, text) for name in names))
