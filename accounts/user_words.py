"""Keeps the words of users' names, and of the accounts that they own, with each saved user."""

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
    for account in Account.objects.filter(owner=instance).select_related("owner"):
        keep_words(AccountWord, account)
