"""The routes of customers that concern their accounts too."""

from typing import Any, ClassVar
from uuid import UUID

from django.urls import reverse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.commands import CloseCustomer, GiveUser
from accounts.selectors import user_id
from core.api.idempotency import keyed_fields, replay_headers
from core.api.permissions import has_right
from core.api.requests import origin_of, parse_body, refuse_query, without_nulls
from core.commands import Command, process
from core.errors import PermissionDenied
from customers import schema
from customers.commands import RegisterCustomer
from customers.permissions import CanManageCustomers, CanRegisterCustomers
from customers.representation import represent
from customers.selectors import visible_customer
from customers.serializers import CustomerReasonBody, GiveUserBody, RegisterCustomerBody
from customers.states import CustomerKind
from customers.views import CustomerViewSet

# The defaults of the members when a customer is registered.
_DEFAULTS = {
    "kind": CustomerKind.PERSON,
    **dict.fromkeys(("registration_number", "email", "phone", "address", "note"), ""),
}


class AccountHolderViewSet(CustomerViewSet):
    """Customers, with the routes that concern their accounts."""

    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        **CustomerViewSet.permission_by_action,
        "create": CanRegisterCustomers,
        "user": CanManageCustomers,
        "close": CanManageCustomers,
    }

    @schema.register_customer
    def create(self, request: Request) -> Response:
        refuse_query(request)
        body = parse_body(RegisterCustomerBody, request)
        keyed = keyed_fields(request, RegisterCustomer.verb, body, _DEFAULTS)
        values = without_nulls(body)
        user = values.pop("user", None)
        registration = RegisterCustomer(**values, **keyed)
        commands: list[Command[Any]] = [registration]
        if user is not None:
            if not has_right(request.user, CanManageCustomers.right):
                raise PermissionDenied("Only a supervisor may give a customer a user.")
            commands.append(
                GiveUser(
                    customer_id=registration.customer_id,
                    user_id=user_id(user, pointer="/user"),
                )
            )
        result: Any = process(commands, origin_of(request))[0]
        customer_id = result.id
        location = reverse("customer-detail", kwargs={"customer_id": customer_id})
        return Response(
            represent(visible_customer(request.user, customer_id), with_note=True),
            status=status.HTTP_201_CREATED,
            headers={
                "Location": request.build_absolute_uri(location),
                **replay_headers(getattr(result, "replayed", False)),
            },
        )

    @schema.give_user
    @action(detail=True, methods=["post"])
    def user(self, request: Request, customer_id: UUID) -> Response:
        body = parse_body(GiveUserBody, request)
        given = user_id(body["user"], pointer="/user")
        command = GiveUser(customer_id=customer_id, user_id=given, reason=body["reason"])
        return self.run(request, [command])

    @schema.close_customer
    @action(detail=True, methods=["post"])
    def close(self, request: Request, customer_id: UUID) -> Response:
        body = parse_body(CustomerReasonBody, request)
        return self.run(request, [CloseCustomer(customer_id=customer_id, reason=body["reason"])])
