"""The words of customers' names, for searches."""

from typing import Any, ClassVar

from django.db import models

from core.name_words import NameWord, keep_words, word_index


class CustomerWord(NameWord):
    """A word of a customer's name. A forgotten customer has none of the former name."""

    named_by: ClassVar[tuple[str, ...]] = ("name",)

    row = models.ForeignKey(
        "customers.Customer", on_delete=models.CASCADE, related_name="+", db_index=False
    )

    class Meta(NameWord.Meta):
        db_table = "words_of_customers"
        constraints = (
            models.UniqueConstraint(fields=["row", "word"], name="customer_word_unique"),
        )
        indexes = (word_index("customer_word_begins"),)


def keep_customer_words(*, instance: Any, update_fields: Any = None, **_: Any) -> None:
    """post_save of customers."""
    if update_fields is None or "name" in update_fields:
        keep_words(CustomerWord, instance)
