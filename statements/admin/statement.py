"""Statements for staff to read and to download."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display

from accounts.admin.filters import AccountFilter
from accounts.models import holders
from core import replica
from core.console.admin import EMPTY, ReadOnlyModelAdmin, link_to, shown_amount, shown_money
from core.console.admin_filters import DaysById
from core.console.command_form import in_one_line
from core.days import shown_moment
from core.errors import BankError
from core.identifiers import parse_uuid
from statements.contents import content_of
from statements.documents.content import DocumentFormat
from statements.models import Statement
from statements.reads import check_url
from statements.rendering import document_response

_LABELS = {
    DocumentFormat.PDF: "PDF",
    DocumentFormat.XLSX: "XLSX (Excel)",
    DocumentFormat.CSV: "CSV",
    DocumentFormat.JSON: "JSON",
    DocumentFormat.CAMT: "camt.053",
}


def _download(wanted: DocumentFormat) -> Callable[..., Any]:
    """The button that downloads a statement in this format."""

    def download(self: Any, request: HttpRequest, object_id: str) -> HttpResponseBase:
        statement = self.get_object(request, object_id)
        if statement is None:
            raise Http404

        def read() -> HttpResponseBase:
            content = content_of(statement, check_url=check_url(request, statement))
            return document_response(content, wanted)

        try:
            return replica.read(read)
        except BankError as error:
            messages.error(request, in_one_line(error))
            return redirect("admin:statements_statement_change", statement.pk)

    download.__name__ = f"download_{wanted}"
    button: Callable[..., Any] = action(
        description=_LABELS[wanted],
        url_path=f"download-{wanted}",
        icon="download",
        permissions=["view"],
    )(download)
    return button


class _Downloads:
    """A button for each format."""


for _wanted in DocumentFormat:
    setattr(_Downloads, f"download_{_wanted}", _download(_wanted))


@admin.register(Statement)
class StatementAdmin(_Downloads, ReadOnlyModelAdmin):
    when_empty = (
        "No statement has been issued here. For a statement of any days, open the account and press"
        " Export. Supervisors issue those of whole months there, by Issue statements."
    )
    list_display = (
        "month",
        "of_account",
        "in_order",
        "money_opening_balance",
        "money_total_debits",
        "money_total_credits",
        "money_closing_balance",
        "how_many",
    )
    list_select_related = ("account",)
    list_filter = (AccountFilter, ("issued_at", DaysById))
    actions_detail = tuple(f"download_{wanted}" for wanted in DocumentFormat)
    fieldsets = (
        (
            "Statement",
            {
                "fields": (
                    ("of_account", "number"),
                    ("period", "time_zone"),
                    ("starts_at", "ends_at"),
                )
            },
        ),
        (
            "Figures",
            {
                "fields": (
                    ("money_opening_balance", "money_closing_balance"),
                    ("money_total_debits", "money_total_credits"),
                    ("count", "entries"),
                )
            },
        ),
        (
            "Record",
            {
                "fields": (
                    ("issued_at", "issued_by", "caller"),
                    "shown_digest",
                    "secret",
                    "shown_seal",
                    ("before", "currency"),
                    "id",
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Statement]:
        rows: QuerySet[Statement] = super().get_queryset(request)
        return rows.select_related(*holders("account"), "previous", "issued_by")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Statement | None:
        """None also for a text that is no id."""
        try:
            parse_uuid(object_id)
        except ValueError:
            return None
        found: Statement | None = super().get_object(request, object_id, from_field)
        return found

    # A card on a telephone shows the names of columns as they are stored.
    @display(description="Month")
    def month(self, statement: Statement) -> str:
        return statement.period

    @display(description="Number")
    def in_order(self, statement: Statement) -> int:
        return statement.number

    @display(description="Entries")
    def how_many(self, statement: Statement) -> int:
        return statement.count

    @display(description="Account")
    def of_account(self, statement: Statement) -> SafeString:
        return link_to(statement.account, statement.account.in_full)

    @display(description="Opening balance")
    def money_opening_balance(self, statement: Statement) -> str:
        return shown_money(statement.opening_balance, statement.currency)

    @display(description="Debits")
    def money_total_debits(self, statement: Statement) -> str:
        return shown_amount(statement.total_debits, statement.currency)

    @display(description="Credits")
    def money_total_credits(self, statement: Statement) -> str:
        return shown_amount(statement.total_credits, statement.currency)

    @display(description="Closing balance")
    def money_closing_balance(self, statement: Statement) -> str:
        return shown_money(statement.closing_balance, statement.currency)

    @display(description="Their numbers")
    def entries(self, statement: Statement) -> str:
        if not statement.count:
            return "No entries"
        return f"{statement.first_sequence} to {statement.last_sequence}"

    @display(description="Digest")
    def shown_digest(self, statement: Statement) -> SafeString:
        page = reverse("verify", args=[statement.digest])
        link = '<a class="text-link" href="{}">{}</a>'
        return format_html(link, page, statement.digest)

    @display(description="Newest seal at the issue")
    def shown_seal(self, statement: Statement) -> str:
        return statement.seal or EMPTY

    @display(description="Statement before")
    def before(self, statement: Statement) -> SafeString | str:
        previous = statement.previous
        if previous is None:
            return "None: this is the first"
        return link_to(previous, f"{previous.period}, issued {shown_moment(previous.issued_at)}")
