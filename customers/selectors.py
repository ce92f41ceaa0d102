"""Reads of customers."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from core.api.pagination import PageById, page_of
from core.api.permissions import has_right
from core.errors import FieldError, InvalidInput, NotFound
from core.identifiers import IdRange
from core.search import contains
from customers.details import plain_phone
from customers.models import Customer
from customers.states import CustomerStatus

READ_RIGHT = "customers.view_customer"


def visible_customers(user: Any) -> QuerySet[Customer]:
    """The customers visible to the user: all for staff with the right, else the user's own."""
    customers = Customer.objects.select_related("user")
    return customers if has_right(user, READ_RIGHT) else customers.filter(user=user.pk)


def visible_customer(user: Any, customer_id: UUID) -> Customer:
    """One customer visible to the user. Raises NotFound if it is missing or hidden."""
    found = visible_customers(user).filter(pk=customer_id).first()
    if found is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return found


def page_of_customers(user: Any, condition: Q, ids: IdRange) -> PageById[Customer]:
    """Reads a page of the visible customers that meet the condition, newest first."""
    part = Q(id__gte=ids.first, id__lt=ids.end)
    return page_of(visible_customers(user).filter(condition, part))


def customer_of_opening(customer_id: UUID | None, owner_id: int | None) -> Customer | None:
    """The customer of a new account, locked: the one with this id, or the one of this user.

    Raises InvalidInput if there is none with this id.
    """
    locked = Customer.objects.select_for_update(no_key=True)
    if customer_id is None:
        return None if owner_id is None else locked.filter(user=owner_id).first()
    found = locked.filter(pk=customer_id).first()
    if found is None:
        raise InvalidInput(
            errors=[FieldError("/customer", "unknown_customer", "There is no such customer.")]
        )
    return found


def customers_named(text: str, limit: int) -> list[Customer]:
    """Up to `limit` active customers whom a member of staff may mean by this text, newest first.

    The whole number names one.
    """
    active = Customer.objects.filter(status=CustomerStatus.ACTIVE)
    number = "".join(text.split())
    if named := list(active.filter(number=number)[:1]):
        return named
    return list(active.filter(found_by(text)).order_by("-id")[:limit])


def found_by(text: str, prefix: str = "") -> Q:
    """The condition of a search for customers: words of the name, number, e-mail or phone.

    `prefix` is a path to the customer, such as "customer__". A number is found by its beginning, a
    phone number by any run of its digits, a name and an e-mail address by all words of the text, in
    any order, case or accents. No rows for a text without a word.
    """
    digits = plain_phone(text).removeprefix("+")
    if digits.isascii() and digits.isdigit():
        number = Q(**{f"{prefix}number__startswith": digits})
        # Abroad, a number is written without the zero in front that is dialled at home.
        return number | Q(**{f"{prefix}phone__contains": digits.lstrip("0") or digits})
    if "@" in text:
        return contains(f"{prefix}email", text)
    return contains(f"{prefix}name", text) | contains(f"{prefix}email", text)
