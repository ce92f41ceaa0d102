"""Keeps the words of users' names, and of the accounts of users and customers, when they change."""

from collections.abc import Collection
from typing import Any

from accounts.models import Account
from accounts.words import AccountWord, UserWord
from core.name_words import add_words, keep_words


def keep_user_words(
    *, instance: Any, created: bool, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """post_save of users. A login, which saves its time only, costs nothing."""
    if update_fields is not None and not {*UserWord.named_by} & {*update_fields}:
        return
    if created:
        add_words(UserWord, instance)
        return
    keep_words(UserWord, instance)
    _keep_words_of_accounts(owner=instance)


def keep_customer_of_accounts(
    *, instance: Any, created: bool, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """post_save of customers: their name is a name of their accounts too."""
    if not created and (update_fields is None or "name" in update_fields):
        _keep_words_of_accounts(customer=instance)


def _keep_words_of_accounts(**owned_by: Any) -> None:
    for account in Account.objects.filter(**owned_by).select_related("owner", "customer"):
        keep_words(AccountWord, account)
