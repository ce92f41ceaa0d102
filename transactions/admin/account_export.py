"""The button that exports an account's statement as a spreadsheet file."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from unfold.decorators import action
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.admin.buttons import AccountButtons
from accounts.models import Account
from core import clock
from core.api.permissions import has_right
from core.console.command_form import in_one_line, show_form
from core.console.forms import DayField
from core.console.sheets import (
    SheetFormat,
    SheetHeading,
    SheetRow,
    amount_cell,
    sheet_response,
    sheet_zone,
)
from core.days import midnight
from core.errors import BankError
from transactions.admin.statement import balance_after, posted, side_of, text_of
from transactions.models import EntrySide, Transaction
from transactions.reads.balances import balances_at
from transactions.reads.settled import settled_at

MOST_LINES = 50_000
_READ_AT_ONCE = 1000
COLUMNS = (
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
    first = DayField(label="First day", required=False, help_text="Empty means from the beginning.")
    last = DayField(label="Last day", required=False, help_text="Empty means up to now.")
    file_format = forms.ChoiceField(
        label="File",
        choices=[(SheetFormat.CSV, "CSV"), (SheetFormat.XLSX, "XLSX (Excel)")],
        initial=SheetFormat.CSV,
        widget=UnfoldAdminRadioSelectWidget,
    )


class ExportButton(AccountButtons):
    """Mixin for the admin of accounts."""

    def has_export_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        """The button is for customer accounts, closed ones included: others have no statement."""
        if not has_right(request.user, "transactions.view_entry"):
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
                return _file(account, **form.cleaned_data)
            except BankError as error:
                form.add_error(None, in_one_line(error))
            except _TooManyLines as error:
                form.add_error(None, str(error))
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Export the statement",
            "explanation": f"Account {account.number}, {account.name}. Oldest entry first.",
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return show_form(request, context, form=form, back=back)


class _TooManyLines(Exception):
    """Its text asks for fewer days."""


def _file(
    account: Account, first: date | None, last: date | None, file_format: str
) -> HttpResponseBase:
    """The statement of these days. Raises _TooManyLines, and the errors of `sequences_of`."""
    lowest, highest = sequences_of(account, first, last)
    if (count := highest - lowest + 1) > MOST_LINES:
        raise _TooManyLines(
            f"These days have {count:,} entries, and a file holds {MOST_LINES:,}:"
            " choose fewer days."
        )
    sheet = SheetFormat(file_format)
    days = [("First day", first), ("Last day", last)]
    facts = [("Account", str(account)), *((name, f"{day}") for name, day in days if day)]
    heading = SheetHeading("Statement", clock.about_now(), facts)
    rows = _rows(account, lowest, highest)
    return sheet_response(f"statement-{account.number}", sheet, header(sheet), rows, heading)


def sequences_of(account: Account, first: date | None, last: date | None) -> tuple[int, int]:
    """The sequences of the first and the last entry posted on these days, both included.

    If there is none, the first is above the last. If the days reach until now, the read waits for
    the account's lock. Raises Busy if it cannot get the lock.
    """
    assert account.last_sequence is not None
    start = midnight(first or date(1970, 1, 2))
    instant = timedelta(microseconds=1)
    end = clock.now()
    if last is not None:
        end = min(end, midnight(last + timedelta(days=1)) - instant)
    before, until = balances_at(settled_at(account, end), [start - instant, end])
    return before.sequence + 1, until.sequence


def header(file_format: SheetFormat) -> SheetRow:
    """The header row. It also names the time zone, by `core.console.sheets.sheet_zone`."""
    zone = sheet_zone(file_format)
    return (f"Posted at ({zone})", f"Value date ({zone})", *COLUMNS)


def _rows(account: Account, first: int, last: int) -> Iterator[SheetRow]:
    """Yields the rows. Reads 1,000 at a time, while the file is written."""
    for start in range(first, last + 1, _READ_AT_ONCE):
        end = min(start + _READ_AT_ONCE - 1, last)
        for sequence, transaction in enumerate(posted(account, start, end), start):
            yield _row(account, sequence, transaction)


def _row(account: Account, sequence: int, transaction: Transaction) -> SheetRow:
    amount = amount_cell(transaction.amount, transaction.currency)
    is_debit = side_of(account, transaction) == EntrySide.DEBIT
    return (
        transaction.completed_at,
        transaction.effective_at,
        text_of(account, transaction),
        transaction.description,
        amount if is_debit else None,
        None if is_debit else amount,
        amount_cell(balance_after(account, transaction), transaction.currency),
        transaction.currency,
        sequence,
        str(transaction.pk),
    )
