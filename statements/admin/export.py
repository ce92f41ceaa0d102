"""The button that exports an account's statement of any days: PDF, XLSX or CSV.

It is the interim statement of the API. So it states the period and both balances, and says of other
customers no more than the account's own customer may read.
"""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.admin.buttons import AccountButtons
from accounts.models import Account
from accounts.selectors import visible_account
from core import clock
from core.api.permissions import has_right
from core.console.command_form import in_one_line, show_form
from core.console.forms import DayField
from core.errors import BankError
from statements.contents import interim_content
from statements.documents.content import DocumentFormat
from statements.entries import EntryRange, entries_of
from statements.permissions import CanReadStatements
from statements.rendering import document_response
from transactions.statistics.spans import Calendar


class ExportForm(forms.Form):
    first = DayField(label="First day", required=False, help_text="Empty means from the beginning.")
    last = DayField(label="Last day", required=False, help_text="Empty means up to now.")
    file_format = forms.ChoiceField(
        label="File",
        choices=[
            (DocumentFormat.PDF, "PDF, to print"),
            (DocumentFormat.XLSX, "XLSX (Excel)"),
            (DocumentFormat.CSV, "CSV"),
        ],
        initial=DocumentFormat.PDF,
        widget=UnfoldAdminRadioSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        first, last = self.cleaned_data.get("first"), self.cleaned_data.get("last")
        if first and last and last < first:
            self.add_error("last", "The last day is before the first.")
        return self.cleaned_data


class ExportButton(AccountButtons):
    """Mixin for the admin of accounts."""

    def has_export_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The button is for customer accounts, closed ones included: others have no statement."""
        if not has_right(request.user, CanReadStatements.right):
            return False
        account = self.get_object(request, object_id)
        return account is not None and account.last_sequence is not None

    @action(description="Export", icon="download", permissions=["view", "export"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        form = ExportForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                return _file(request.user, account, **form.cleaned_data)
            except BankError as error:
                bad = " ".join(field.detail for field in error.errors)
                form.add_error(None, bad or in_one_line(error))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Export the statement",
            "explanation": f"Account {account.number}, {account.full_name}. Oldest entry first."
            " Days are those of the bank.",
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return show_form(request, context, form=form, back=back)


def _file(
    user: Any, account: Account, first: date | None, last: date | None, file_format: str
) -> HttpResponseBase:
    """The statement of these days. Raises the errors of `interim_content`."""
    calendar, wanted = Calendar(), DocumentFormat(file_format)
    start = calendar.start_of(first or calendar.day_of(_beginning(account)))
    end = calendar.start_of((last or calendar.day_of(clock.now())) + timedelta(days=1))
    row = visible_account(user, account.pk)
    content = interim_content(row, start, end, ZoneInfo(calendar.name), wanted)
    return document_response(content, wanted)


def _beginning(account: Account) -> datetime:
    """When the account was opened, or its first entry was posted, if an import made it earlier."""
    first = entries_of([EntryRange(account.pk, 1, 1)], clock.now() + timedelta(days=1))
    return min([account.created_at, *(entry.posted_at for entry in first)])
