"""The API of customers, as far as it concerns their record only.

`accounts.customer_views` adds the routes that concern accounts too.
"""

from collections.abc import Sequence
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.conditions import Precondition, answer, tagged
from core.api.pagination import paginate_by_id
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction, has_right
from core.api.requests import origin_of, parse_body, parse_query, refuse_query
from core.commands import process
from core.identifiers import created_between
from customers import schema
from customers.commands import ChangeCustomer, CustomerCommand, ExpectCustomer, ReopenCustomer
from customers.filters import CustomerQuery, condition_of
from customers.models import Customer
from customers.permissions import CanManageCustomers, CanReadCustomers, CanRegisterCustomers
from customers.representation import represent
from customers.selectors import READ_RIGHT, page_of_customers, visible_customer
from customers.serializers import ChangeCustomerBody, CustomerReasonBody, CustomerSerializer


class CustomerViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Customers."""

    queryset = Customer.objects.all()
    serializer_class = CustomerSerializer
    http_method_names = ("get", "post", "patch", "head")
    lookup_field = "customer_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadCustomers,
        "retrieve": CanReadCustomers,
        "partial_update": CanRegisterCustomers,
        "reopen": CanManageCustomers,
    }

    @schema.list_customers
    def list(self, request: Request) -> HttpResponse:
        query = parse_query(CustomerQuery, request)
        ids = created_between(query.get("created_after"), query.get("created_before"))
        page = paginate_by_id(request, page_of_customers(request.user, condition_of(query), ids))
        with_note = has_right(request.user, READ_RIGHT)
        return page.response(request, [represent(one, with_note=with_note) for one in page.results])

    @schema.retrieve_customer
    def retrieve(self, request: Request, customer_id: UUID) -> HttpResponse:
        customer = visible_customer(request.user, customer_id)
        with_note = has_right(request.user, READ_RIGHT)
        return answer(request, represent(customer, with_note=with_note))

    @schema.change_customer
    def partial_update(self, request: Request, customer_id: UUID) -> HttpResponse:
        details = parse_body(ChangeCustomerBody, request)
        reason = details.pop("reason", "")
        commands: list[CustomerCommand] = []
        if precondition := Precondition.of(request):
            commands.append(ExpectCustomer(customer_id=customer_id, precondition=precondition))
        commands.append(ChangeCustomer(customer_id=customer_id, details=details, reason=reason))
        refuse_query(request)
        changed = process(commands, origin_of(request))[-1]
        return tagged(request, represent(changed, with_note=True))

    @schema.reopen_customer
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, customer_id: UUID) -> Response:
        body = parse_body(CustomerReasonBody, request)
        return self.run(request, [ReopenCustomer(customer_id=customer_id, reason=body["reason"])])

    def run(self, request: Request, commands: Sequence[CustomerCommand]) -> Response:
        """Runs the commands, all or none. The response has the customer after them."""
        refuse_query(request)
        customers = process(commands, origin_of(request))
        return Response(represent(customers[-1], with_note=True))
