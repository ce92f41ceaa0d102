"""OpenAPI descriptions of the routes of customers: texts, examples, and possible errors."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema

from core.api.describe import (
    CONDITION_ERRORS,
    CONDITIONS,
    IDEMPOTENCY_KEY,
    errors,
    page_example,
    page_of,
    read_of,
    request_example,
    response_example,
)
from customers.filters import CustomerQuery
from customers.serializers import (
    ChangeCustomerBody,
    CustomerReasonBody,
    CustomerSerializer,
    GiveUserBody,
    RegisterCustomerBody,
)

TAG = "Customers"

CUSTOMER_ID = OpenApiParameter(
    "customer_id", UUID, OpenApiParameter.PATH, description="Identifier of the customer (UUID)."
)

CUSTOMER_EXAMPLE: dict[str, Any] = {
    "customer_id": "019ab0c4-5a10-7d02-8000-1c9e4b7f2a35",
    "number": "5820194673",
    "kind": "PERSON",
    "name": "Ada Lovelace",
    "birth_date": "1985-12-10",
    "registration_number": "",
    "email": "ada@example.com",
    "phone": "+442079460958",
    "address": "12 St James's Square, London",
    "note": "Prefers letters",
    "user": "ada",
    "status": "ACTIVE",
    "created_at": "2026-01-31T09:25:00.000000Z",
    "updated_at": "2026-01-31T09:25:00.000000Z",
}


def _command(
    operation_id: str,
    summary: str,
    description: str,
    body: Any,
    example_body: Any,
    *codes: str,
    parameters: Sequence[OpenApiParameter] = (),
    changed: dict[str, Any] | None = None,
) -> Any:
    return extend_schema(
        operation_id=operation_id,
        tags=[TAG],
        summary=summary,
        description=description,
        parameters=[CUSTOMER_ID, *parameters],
        request=body,
        responses=CustomerSerializer,
        examples=[
            request_example(example_body),
            response_example("Customer", CUSTOMER_EXAMPLE | (changed or {})),
        ],
        extensions=errors(*codes),
    )


list_customers = extend_schema(
    operation_id="customers_list",
    tags=[TAG],
    summary="List customers",
    description="Newest first. Customers see their own record, staff all.",
    parameters=[CustomerQuery],
    responses=page_of(CustomerSerializer, "CustomerPage"),
    examples=[page_example(CUSTOMER_EXAMPLE, "customers/")],
)

retrieve_customer = extend_schema(
    operation_id="customers_retrieve",
    tags=[TAG],
    summary="Read a customer",
    description="404 for another customer's record, as for one that does not exist. The accounts:"
    " `accounts/?customer=`.",
    parameters=[CUSTOMER_ID, *CONDITIONS],
    responses=read_of(CustomerSerializer),
    examples=[response_example("Customer", CUSTOMER_EXAMPLE)],
    extensions=CONDITION_ERRORS,
)

register_customer = extend_schema(
    operation_id="customers_register",
    tags=[TAG],
    summary="Register a customer",
    description="A user who is given becomes the owner of the customer's accounts, and the accounts"
    " that the user owns already become accounts of the customer.",
    parameters=[IDEMPOTENCY_KEY],
    request=RegisterCustomerBody,
    responses={201: CustomerSerializer},
    examples=[
        request_example(
            {
                "name": "Ada Lovelace",
                "birth_date": "1985-12-10",
                "email": "ada@example.com",
                "phone": "+44 20 7946 0958",
            }
        ),
        response_example("Customer", CUSTOMER_EXAMPLE | {"user": None, "address": "", "note": ""}),
    ],
    extensions=errors("idempotency_key_reused"),
)

change_customer = _command(
    "customers_change",
    "Change a customer's details",
    "Changes the given details, all or nothing. The audit log keeps which details changed, not"
    " their values. With `If-Match`, it changes them only if the record is still as it was read.",
    ChangeCustomerBody,
    {"address": "5 St James's Square, London", "reason": "Moved"},
    "invalid_transition",
    "precondition_failed",
    parameters=CONDITIONS,
    changed={"address": "5 St James's Square, London"},
)

give_user = _command(
    "customers_give_user",
    "Give a customer a user",
    "The login with which the customer sees their accounts. Possible once: a login never passes to"
    " another customer. The user becomes the owner of the customer's accounts, and the accounts"
    " that the user owns already become accounts of the customer.",
    GiveUserBody,
    {"user": "sofya", "reason": "Asked for it at the counter"},
    "invalid_transition",
    changed={"name": "Sofya Kovalevskaya", "email": "sofya@example.com", "user": "sofya"},
)

close_customer = _command(
    "customers_close",
    "Close a customer",
    "All accounts of the customer must be closed. A closed customer gets no new accounts.",
    CustomerReasonBody,
    {"reason": "Left the bank"},
    "invalid_transition",
    changed={"status": "CLOSED"},
)

reopen_customer = _command(
    "customers_reopen",
    "Reopen a closed customer",
    "The customer can have accounts again. A forgotten customer stays forgotten.",
    CustomerReasonBody,
    {"reason": "Came back"},
    "invalid_transition",
)
