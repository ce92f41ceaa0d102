"""The rules for a customer's details: which belong together, and how each is written."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from core.errors import FieldError, InvalidInput
from customers.states import CustomerKind

# The columns that staff write.
DETAILS = ("name", "birth_date", "registration_number", "email", "phone", "address", "note")

_EARLIEST_BIRTH = date(1800, 1, 1)

# What people write between the digits of a phone number.
_BETWEEN_DIGITS = re.compile(r"[\s().\-/]+")
_PHONE = re.compile(r"\+?[0-9]{3,19}")
# Something before and after one @, no blanks: only a message to it can prove more.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

_OTHER_KIND = {
    CustomerKind.PERSON: ("registration_number", "A person has no registration number."),
    CustomerKind.ORGANISATION: ("birth_date", "An organisation has no birth date."),
}


def checked_details(kind: str, details: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The details as they are stored. Raises InvalidInput with an error for each bad one."""
    errors = []
    stored = dict(details)
    foreign, why = _OTHER_KIND[CustomerKind(kind)]
    if stored.get(foreign):
        errors.append(FieldError(f"/{foreign}", "not_of_this_kind", why))
    if (born := stored.get("birth_date")) and not _EARLIEST_BIRTH <= born <= today:
        errors.append(FieldError("/birth_date", "out_of_range", "That birth date is impossible."))
    if email := stored.get("email"):
        stored["email"] = email.strip()
        if not _EMAIL.fullmatch(stored["email"]):
            detail = 'An e-mail address is required, like "ada@example.com".'
            errors.append(FieldError("/email", "invalid_email", detail))
    if phone := stored.get("phone"):
        stored["phone"] = plain_phone(phone)
        if not _PHONE.fullmatch(stored["phone"]):
            detail = 'A phone number is required, like "+44 20 7946 0958".'
            errors.append(FieldError("/phone", "invalid_phone", detail))
    if errors:
        raise InvalidInput(errors=errors)
    return stored


def plain_phone(text: str) -> str:
    """A phone number without the blanks and signs that people write between its digits."""
    return _BETWEEN_DIGITS.sub("", text)
