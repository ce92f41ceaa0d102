"""The account's admin page, with its statement, chart, past balances and money buttons.

It replaces the page of `accounts`, which cannot import this app.
"""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.admin.account import AccountAdmin
from accounts.models import Account
from core import clock
from core.api.permissions import has_right
from core.console.admin import shown_money
from core.console.command_form import show_error
from core.console.forms import MomentField
from core.errors import BankError
from transactions.admin.chart import balance_chart
from transactions.admin.findings import damage_of
from transactions.admin.hold_forms import HoldButton, open_holds
from transactions.admin.money import MoneyButtons
from transactions.admin.note_pages import notes_about_customer, notes_section
from transactions.admin.open_account import OpenAccountButton
from transactions.admin.statement import BEFORE, statement
from transactions.admin.waiting import waiting_payments
from transactions.reads.selectors import balance_report

admin.site.unregister(Account)


MONEY_BUTTONS = ("deposit", "withdraw", "transfer", "hold")


class BalanceAtForm(forms.Form):
    """A form sent in the query: it changes nothing, and staff can bookmark its result."""

    at = MomentField(label="Balance at", required=False)


@admin.register(Account)
class MoneyAccountAdmin(MoneyButtons, HoldButton, OpenAccountButton, AccountAdmin):
    actions_list = ("open_account",)
    actions_detail = (*MONEY_BUTTONS, *AccountAdmin.actions_detail)
    change_form_outer_before_template = "transactions/account.html"

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        account = kwargs.get("obj")
        if account is not None:
            context |= _balance_at(account, request)
            context |= notes_section(request, "account", account)
            context |= notes_about_customer(request, account)
            context |= waiting_payments(request, account)
            context |= open_holds(request, account)
            if account.broken_rules:
                context["damage"] = damage_of(account)
                context["damage_released"] = not account.debits_held
                context["is_damaged"] = True
            if has_right(request.user, "transactions.view_entry"):
                context["chart"] = account.last_sequence and balance_chart(account, clock.now())
                context["statement"] = statement(account, request.GET.get(BEFORE))
        return super().render_change_form(request, context, *args, **kwargs)


def _balance_at(account: Account, request: HttpRequest) -> dict[str, Any]:
    """The form for a moment, and the balance at that moment if one is given.

    An internal account stores no balance: without a moment, its balance is summed up now.
    """
    data = {"at": request.GET["at"]} if "at" in request.GET else None
    form = BalanceAtForm(data)
    context: dict[str, Any] = {"balance_form": form, "zone": timezone.get_current_timezone_name()}
    if form.is_valid() and (form.cleaned_data["at"] or account.balance is None):
        try:
            report = balance_report(account, form.cleaned_data["at"])
        except BankError as error:
            show_error(form, error, "at")
        else:
            balance: Decimal = report["balance"]
            context["balance_then"] = shown_money(balance, account.currency)
            context["then"] = report["at"]
    return context
