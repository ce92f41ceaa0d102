"""The statements of an account on its page: the list, and issuing what is missing.

It replaces the page of `transactions`, which cannot import this app.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from unfold.decorators import action

from accounts.admin.account import AccountAdmin
from accounts.models import Account
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.command_form import form_page
from core.console.forms import LineField
from core.counts import count_of
from statements.admin.export import ExportButton
from statements.issuing import issue_for_account, last_ended_month
from statements.periods import Month
from statements.permissions import ISSUE_RIGHT, CanReadStatements
from transactions.admin.account import MONEY_BUTTONS, MoneyAccountAdmin

admin.site.unregister(Account)


class IssueForm(forms.Form):
    period = LineField(
        label="Up to the month",
        max_length=7,
        help_text="Like 2026-10. Earlier months without a statement are issued too.",
    )


_BUTTONS = (*MONEY_BUTTONS, "export", *AccountAdmin.actions_detail)
# What only reads stands before what changes the account, and closing it stands last.
_AFTER_ENTRIES = _BUTTONS.index("entries") + 1


@admin.register(Account)
class StatedAccountAdmin(ExportButton, MoneyAccountAdmin):
    actions_detail = (
        *_BUTTONS[:_AFTER_ENTRIES],
        "statements",
        "issue_statements",
        *_BUTTONS[_AFTER_ENTRIES:],
    )

    def has_statements_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        if not has_right(request.user, CanReadStatements.right):
            return False
        account = self.get_object(request, object_id)
        return account is not None and account.last_sequence is not None

    def has_issue_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Closed accounts too: the month of the closing has a statement."""
        return has_right(request.user, ISSUE_RIGHT) and self.has_statements_permission(
            request, object_id
        )

    @action(description="Statements", icon="description", permissions=["view", "statements"])
    def statements(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        page = reverse("admin:statements_statement_changelist")
        return redirect(f"{page}?{urlencode({'account': account.number})}")

    @action(
        description="Issue statements",
        url_path="issue-statements",
        icon="note_add",
        permissions=["view", "issue"],
    )
    def issue_statements(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."

        def run(values: dict[str, Any]) -> str:
            until = Month.parse(values["period"])
            issued = issue_for_account(account.pk, until, origin=origin_of(request))
            if not issued:
                return f"Nothing to issue: every month up to {until} has its statement."
            words = count_of(issued, "statement")
            return f"{words} issued, up to {until}."

        form = IssueForm(request.POST or None, initial={"period": str(last_ended_month())})
        context = {
            **self.admin_site.each_context(request),
            "title": "Issue statements",
            "explanation": f"Account {account.number}, {account.full_name}."
            " A statement that was issued never changes.",
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return form_page(request, context, form=form, back=back, run=run)
