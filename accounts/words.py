"""The words of accounts' and users' names, for searches."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.name_words import NameWord, word_index


class AccountWord(NameWord):
    """A word of an account's name, its customer's name or its owner's user name."""

    named_by: ClassVar[tuple[str, ...]] = ("name", "customer__name", "owner__username")

    row = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta(NameWord.Meta):
        db_table = "words_of_accounts"
        constraints = (models.UniqueConstraint(fields=["row", "word"], name="account_word_unique"),)
        indexes = (word_index("account_word_begins"),)


class UserWord(NameWord):
    """A word of a user's names."""

    named_by: ClassVar[tuple[str, ...]] = ("username", "first_name", "last_name")

    row = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta(NameWord.Meta):
        db_table = "words_of_users"
        constraints = (models.UniqueConstraint(fields=["row", "word"], name="user_word_unique"),)
        indexes = (word_index("user_word_begins"),)
