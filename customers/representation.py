"""A customer as JSON: one function for all responses."""

from typing import Any

from core.api.fields import rfc_3339
from customers.models import Customer


def represent(customer: Customer, *, with_note: bool) -> dict[str, Any]:
    """The members of a customer as clients see them, as JSON values.

    `with_note` is for staff: the note is not the customer's. Reads the user, unless it was joined.
    """
    return {
        "customer_id": str(customer.pk),
        "number": customer.number,
        "kind": customer.kind,
        "name": customer.name,
        "birth_date": customer.birth_date and customer.birth_date.isoformat(),
        "registration_number": customer.registration_number,
        "email": customer.email,
        "phone": customer.phone,
        "address": customer.address,
        "note": customer.note if with_note else None,
        "user": customer.user.get_username() if customer.user else None,
        "status": customer.status,
        "created_at": rfc_3339(customer.created_at),
        "updated_at": rfc_3339(customer.updated_at),
    }
