"""The button that saves an account's statement as a file for a spreadsheet."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import prefetch_related_objects
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.admin.buttons import AccountButtons
from accounts.models import Account
from core.api.permissions import has_right
from core.command_form import show_form
from core.forms import DayField
from core.sheets import Row, SheetFormat, amount_cell, sheet_response
from transactions.admin.statement import text_of
from transactions.balances import balances_at
from transactions.models import Entry
from transactions.selectors import page_of_entries

MOST_LINES = 50_000
_READ_AT_ONCE = 500
HEADER = (
    "Posted at",
    "Text",
    "Description",
    "Debit",
    "Credit",
    "Balance after",
    "Currency",
    "Sequence",
    "Transaction",
)


class ExportForm(forms.Form):
    first = DayField(label="First day", required=False, help_text="Left empty: from the beginning.")
    last = DayField(label="Last day", required=False, help_text="Left empty: up to now.")
    file_format = forms.ChoiceField(
        label="File",
        choices=[(SheetFormat.CSV, "CSV"), (SheetFormat.XLSX, "XLSX (Excel)")],
        initial=SheetFormat.CSV,
        widget=UnfoldAdminRadioSelectWidget,
    )


class ExportButton(AccountButtons):
    """For the admin of accounts."""

    def has_export_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """Of customers' accounts, closed ones included: others have no statement."""
        if not has_right(request.user, "transactions.view_entry"):
            return False
        account = self.get_object(request, object_id)
        return account is not None and account.last_sequence is not None

    @action(description="Export", icon="download", permissions=["view", "export"])
    def export(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        account = self.get_object(request, object_id)
        assert account is not None, "The button's permission has found it."
        form = ExportForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            first, last = sequences_of(
                account, form.cleaned_data["first"], form.cleaned_data["last"]
            )
            if last - first < MOST_LINES:
                return sheet_response(
                    f"statement-{account.number}",
                    SheetFormat(form.cleaned_data["file_format"]),
                    HEADER,
                    _rows(account, first, last),
                )
            form.add_error(
                None,
                f"These days have {last - first + 1:,} entries, and a file holds {MOST_LINES:,}:"
                " choose fewer days.",
            )
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Export the statement",
            "explanation": f"Account {account.number}, {account.name}. Oldest entry first.",
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return show_form(request, context, form=form, back=back)


def sequences_of(account: Account, first: date | None, last: date | None) -> tuple[int, int]:
    """The sequences of the first and the last entry posted on these days, both included.

    The first is above the last where there is none. One statement, whatever the account has.
    """
    assert account.last_sequence is not None
    start = timezone.make_aware(datetime.combine(first or date(1970, 1, 2), time.min))
    instant = timedelta(microseconds=1)
    end = timezone.now()
    if last is not None:
        end = timezone.make_aware(datetime.combine(last + timedelta(days=1), time.min)) - instant
    before, until = balances_at(account, [start - instant, end])
    return before.sequence + 1, until.sequence


def _rows(account: Account, first: int, last: int) -> Iterator[Row]:
    """Read as they are written, some hundred at a time."""
    while first <= last:
        limit = min(_READ_AT_ONCE, last - first + 1)
        entries = page_of_entries(account, after=first - 1, backwards=True, limit=limit)
        prefetch_related_objects(
            entries, "transaction__debit_account", "transaction__credit_account"
        )
        for entry in entries:
            yield _row(account, entry)
        first += limit


def _row(account: Account, entry: Entry) -> Row:
    amount = amount_cell(abs(entry.amount), entry.currency)
    return (
        entry.posted_at,
        text_of(account, entry.transaction),
        entry.transaction.description,
        amount if entry.amount < 0 else None,
        amount if entry.amount > 0 else None,
        amount_cell(entry.balance_after, entry.currency),
        entry.currency,
        entry.sequence,
        str(entry.transaction_id),
    )
