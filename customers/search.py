"""How a search finds customers: by number, by id, or by the words of names. By indexes alone."""

from django.db.models import Q

from core.identifiers import ids_beginning
from core.name_words import begins, rows_named
from customers.words import CustomerWord


def customer_condition(text: str) -> Q:
    """Customers whose number or id begins with `text`, or whose name has, for each word of it, a
    word that begins with it. No customers for an empty text.
    """
    number = "".join(text.split())
    if number.isdigit():
        return begins("number", number)
    if ids := ids_beginning(text):
        return Q(pk__range=ids)
    return Q(pk__in=rows_named(CustomerWord, text))
