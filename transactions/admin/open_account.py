"""The button that opens an account, optionally with an initial balance."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.customer_forms import CustomerField
from accounts.commands import OpenAccount
from accounts.permissions import CanManageAccounts, CanOpenAccounts
from accounts.serializers import opening_defaults
from core.api.idempotency import fingerprints
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.command_form import show_error, show_form
from core.console.forms import AmountFormField, LineField, set_currency
from core.currency_names import currency_choices
from core.errors import BankError
from customers.selectors import READ_RIGHT as CUSTOMERS_RIGHT
from transactions.admin.outcome import MovementPreview, with_receipt
from transactions.api.opening import open_account
from transactions.api.permissions import CanPostTransactions
from transactions.ledger.idempotency import Replay


class OpenAccountForm(forms.Form):
    """Shows only the fields that the user may fill in.

    Only a supervisor can give an overdraft limit. An initial balance needs the right to deposit.
    """

    customer = CustomerField(required=False)
    name = LineField(
        max_length=200,
        help_text="What the account is for, such as Savings. For a customer, write no personal"
        " data here.",
    )
    owner = LineField(
        required=False,
        max_length=150,
        help_text="User name of the login that sees the account. Empty for a registered customer:"
        " their login sees it.",
        attrs={"autocomplete": "off"},
    )
    currency = forms.ChoiceField(choices=currency_choices(), widget=UnfoldAdminSelectWidget)
    initial_balance = AmountFormField(
        required=False,
        help_text="Amount paid in now, as a separate deposit, for example 1234.50. Empty means"
        " none.",
    )
    overdraft_limit = AmountFormField(
        required=False, help_text="How far below zero the balance may go. Empty means not at all."
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, data: Any, *, user: Any, customer: str = "") -> None:
        initial = {"currency": settings.BANK_DEFAULT_CURRENCY, "customer": customer}
        super().__init__(data, initial=initial)
        if not has_right(user, CUSTOMERS_RIGHT):
            del self.fields["customer"]
        set_currency(self, (data or {}).get("currency", ""))
        if not has_right(user, CanManageAccounts.right):
            del self.fields["overdraft_limit"]
        if not has_right(user, CanPostTransactions.right):
            del self.fields["initial_balance"]


class OpenAccountButton:
    """Mixin for the admin of accounts: puts the button above the list."""

    admin_site: Any

    def has_open_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, CanOpenAccounts.right)

    @action(
        description="Open an account",
        url_path="open",
        icon="add",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "open"],
    )
    def open_account(self, request: HttpRequest) -> HttpResponse:
        wanted = request.GET.get("customer", "")[:200]
        form = OpenAccountForm(request.POST or None, user=request.user, customer=wanted)
        if request.method == "POST" and form.is_valid():
            try:
                return self._opened(request, form.cleaned_data)
            except BankError as error:
                show_error(form, error)
        context = {**self.admin_site.each_context(request), "title": "Open an account"}
        back = reverse("admin:accounts_account_changelist")
        return show_form(request, context, form=form, back=back)

    def _opened(self, request: HttpRequest, values: dict[str, Any]) -> HttpResponse:
        """Opens the account, once for the form's key. After a BankError nothing is stored."""
        customer = values.get("customer")
        content = {name: value for name, value in values.items() if name != "key" and value}
        if customer is not None:
            content["customer"] = customer.pk
        opened, deposit = open_account(
            {
                "name": values["name"],
                "customer_id": customer and customer.pk,
                "currency": values["currency"],
                "overdraft_limit": values.get("overdraft_limit") or Decimal(0),
                "idempotency_key": str(values["key"]),
                **fingerprints(OpenAccount.verb, content, opening_defaults()),
            },
            owner=values["owner"] or None,
            initial_balance=values.get("initial_balance"),
            origin=origin_of(request),
        )
        if isinstance(opened, Replay):
            account = opened.as_account()
            words = [f"Account {account.number} was already opened; nothing was repeated."]
        else:
            account = opened
            words = [f"Account {account.number} is open."]
        level = messages.SUCCESS
        if deposit is not None:
            outcome = MovementPreview(deposit, account, replayed=isinstance(opened, Replay))
            # If the form is repeated, the account's history already shows a posted deposit.
            if outcome.waits or not outcome.replayed:
                words.append(outcome.words())
            level = messages.WARNING if outcome.waits else level
        text = " ".join(words) if deposit is None else with_receipt(" ".join(words), outcome)
        messages.add_message(request, level, text)
        return HttpResponseRedirect(reverse("admin:accounts_account_change", args=(account.pk,)))
