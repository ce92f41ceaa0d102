"""Buttons of a customer's page: details, user, close and reopen, and the one that registers.

Each opens a page with a form and runs the same command as the API.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin.customer_forms import ChangeDetailsForm, GiveUserForm, RegisterForm
from accounts.commands import CloseCustomer, GiveUser
from accounts.selectors import has_open_account, user_id
from core.api.idempotency import fingerprints
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.commands import process
from core.console.command_form import form_page, show_error, show_form
from core.console.forms import ReasonForm
from core.console.request_cache import RequestCache
from core.errors import BankError
from customers.commands import ChangeCustomer, CustomerCommand, RegisterCustomer, ReopenCustomer
from customers.models import Customer
from customers.permissions import CanManageCustomers, CanRegisterCustomers
from customers.states import CustomerStatus

_CUSTOMER = RequestCache[Customer | None]()


class CustomerButtons:
    """Mixin for the admin of customers."""

    admin_site: Any

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Customer | None:
        """Reads the customer once for the page and all its buttons."""
        read = super().get_object  # type: ignore[misc]
        return _CUSTOMER.get(request, lambda: read(request, object_id, from_field))

    def may(self, request: HttpRequest, object_id: str, right: str, *statuses: str) -> bool:
        """Whether the right and the status allow the command; a posted form goes to the command."""
        if not has_right(request.user, right):
            return False
        customer = self.get_object(request, object_id)
        return customer is not None and (request.method == "POST" or customer.status in statuses)

    def has_register_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, CanRegisterCustomers.right)

    def has_change_details_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanRegisterCustomers.right, CustomerStatus.ACTIVE)

    def has_give_user_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        right = CanManageCustomers.right
        if not self.may(request, object_id, right, CustomerStatus.ACTIVE):
            return False
        customer = self.get_object(request, object_id)
        return customer is not None and (request.method == "POST" or customer.user_id is None)

    def has_close_customer_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        if not self.may(request, object_id, CanManageCustomers.right, CustomerStatus.ACTIVE):
            return False
        customer = self.get_object(request, object_id)
        assert customer is not None, "The check above has found the customer."
        return request.method == "POST" or not has_open_account(customer.pk)

    def has_reopen_customer_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanManageCustomers.right, CustomerStatus.CLOSED)

    @action(
        description="Register a customer",
        url_path="register",
        icon="person_add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "register"],
    )
    def register(self, request: HttpRequest) -> HttpResponse:
        form = RegisterForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                return _registered(request, form)
            except BankError as error:
                show_error(form, error)
        context = {**self.admin_site.each_context(request), "title": "Register a customer"}
        back = reverse("admin:customers_customer_changelist")
        return show_form(request, context, form=form, back=back)

    @action(
        description="Change details",
        url_path="details",
        icon="edit",
        permissions=["view", "change_details"],
    )
    def change_details(self, request: HttpRequest, object_id: str) -> HttpResponse:
        form = ChangeDetailsForm(request.POST or None, customer=self._customer(request, object_id))

        def run(customer: Customer, values: dict[str, Any]) -> str:
            command = ChangeCustomer(
                customer_id=customer.pk, details=form.details(), reason=values["reason"]
            )
            return f"Changed: the details of {self._apply(request, command)}."

        return self._ask(request, object_id, "Change details", form, run)

    @action(
        description="Give a user", url_path="user", icon="key", permissions=["view", "give_user"]
    )
    def give_user(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(customer: Customer, values: dict[str, Any]) -> str:
            given = user_id(values["user"], pointer="/user")
            command = GiveUser(customer_id=customer.pk, user_id=given, reason=values["reason"])
            self._apply(request, command)
            return f"{values['user']} sees the accounts of {customer} now."

        return self._ask(request, object_id, "Give a user", GiveUserForm(request.POST or None), run)

    @action(
        description="Close",
        url_path="close",
        icon="lock",
        variant=ActionVariant.DANGER,
        permissions=["view", "close_customer"],
    )
    def close_customer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(customer: Customer, values: dict[str, Any]) -> str:
            self._apply(request, CloseCustomer(customer_id=customer.pk, **values))
            return f"Closed: {customer} gets no new accounts."

        return self._ask(request, object_id, "Close", ReasonForm(request.POST or None), run)

    @action(
        description="Reopen",
        url_path="reopen",
        icon="lock_open",
        permissions=["view", "reopen_customer"],
    )
    def reopen_customer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        def run(customer: Customer, values: dict[str, Any]) -> str:
            self._apply(request, ReopenCustomer(customer_id=customer.pk, **values))
            return f"Reopened: {customer} can have accounts again."

        return self._ask(request, object_id, "Reopen", ReasonForm(request.POST or None), run)

    def _customer(self, request: HttpRequest, object_id: str) -> Customer:
        customer = self.get_object(request, object_id)
        assert customer is not None, "The permission check has found the customer."
        return customer

    def _apply(self, request: HttpRequest, command: CustomerCommand) -> Customer:
        customer: Customer = process([command], origin_of(request))[0]
        return customer

    def _ask(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        form: forms.Form,
        run: Callable[[Customer, dict[str, Any]], str],
    ) -> HttpResponse:
        customer = self._customer(request, object_id)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "explanation": f"Customer {customer}.",
        }
        back = reverse("admin:customers_customer_change", args=(customer.pk,))
        return form_page(
            request, context, form=form, back=back, run=lambda values: run(customer, values)
        )


def _registered(request: HttpRequest, form: RegisterForm) -> HttpResponse:
    """Registers the customer, once for the form's key. After a BankError nothing is stored."""
    values = {"kind": form.cleaned_data["kind"], **form.details()}
    content = {name: value for name, value in values.items() if value}
    command = RegisterCustomer(
        **values,
        idempotency_key=str(form.cleaned_data["key"]),
        **fingerprints(RegisterCustomer.verb, content),
    )
    result: Any = process([command], origin_of(request))[0]
    if getattr(result, "replayed", False):
        customer = result.as_customer()
        messages.success(request, f"{customer} was already registered; nothing was repeated.")
    else:
        customer = result
        messages.success(request, f"Registered: {customer}.")
    return HttpResponseRedirect(reverse("admin:customers_customer_change", args=(customer.pk,)))
