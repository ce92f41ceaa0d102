"""Bulk actions on the list of transactions: retry, reverse, cancel, approve, reject.

Each action asks for a reason on a page that lists the selection. The action then runs one command
for each row, in a database transaction of its own. A form sent twice does nothing twice: a
transaction that is already reversed or cancelled refuses, and a retry carries the retry count that
was shown. Approvals that would come out otherwise than the page showed are asked about again.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.command_form import show_form
from core.console.forms import ReasonForm, carry
from core.counts import count_of
from core.identifiers import parse_uuid
from transactions.admin.bulk_run import run_each, summary
from transactions.admin.bulk_selection import (
    SelectedRow,
    doubtful,
    selected_requests,
    selected_rows,
    together,
)
from transactions.admin.bulk_verbs import VERBS
from transactions.admin.decisions import APPROVE, RETRY, REVERSE
from transactions.admin.filters import IS_REVERSED
from transactions.ledger.failures import read_beforehand
from transactions.models import Transaction
from transactions.models.queries import SIDES

# The most rows at once: as many as fit in the time that a page may take.
MOST_ROWS = 500
_TOO_MANY = f"More than {MOST_ROWS:,} are selected. Narrow the list by its filters first."
_EACH_BY_ITSELF = (
    "Each transaction is decided by itself: a refusal stops no other."
    " The reason is kept in the record of each."
)
_AFTER_LOGIN = (
    "Nothing was done. What you had selected in this tab before the login comes back as it is now,"
    " with the reason that you had written."
)


class _Seen(NamedTuple):
    """A row as the page showed it. Without a mark any outcome is accepted."""

    retries: int
    mark: str | None = None


class BulkForm(ReasonForm):
    """The reason, and the rows as they were at their selection: "<id>:<retries>:<mark> ..."."""

    # A single field, since the number of fields in a request is limited.
    rows = forms.CharField(widget=forms.HiddenInput)
    # Set by the page after a login: shows the selection as it is then, and runs nothing.
    again = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def clean_rows(self) -> dict[UUID, _Seen]:
        """Each row at its selection, by id."""
        seen: dict[UUID, _Seen] = {}
        try:
            for row in self.cleaned_data["rows"].split():
                identifier, retries, *marks = row.split(":", 2)
                seen[parse_uuid(identifier)] = _Seen(int(retries), *marks)
        except ValueError as error:
            raise ValidationError("These are not rows of the list.") from error
        if len(seen) > MOST_ROWS:
            raise ValidationError(_TOO_MANY)
        return seen


class BulkActions:
    """Mixin for the admin of transactions."""

    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.run_selected)
        urls: list[URLPattern] = super().get_urls()  # type: ignore[misc]
        return [path("selected/<str:name>/", view, name="transactions_selected"), *urls]

    def has_retry_selected_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, RETRY)

    def has_reverse_selected_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, REVERSE)

    def has_approve_selected_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, APPROVE)

    @admin.action(description="Retry selected", permissions=["retry_selected"])
    def retry_selected(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        return self._ask_for(request, "retry", queryset)

    @admin.action(description="Reverse selected", permissions=["reverse_selected"])
    def reverse_selected(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        return self._ask_for(request, "reverse", queryset)

    @admin.action(description="Cancel selected", permissions=["retry_selected"])
    def cancel_selected(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        return self._ask_for(request, "cancel", queryset)

    @admin.action(description="Approve selected", permissions=["approve_selected"])
    def approve_selected(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        return self._ask_for(request, "approve", queryset)

    @admin.action(description="Reject selected", permissions=["approve_selected"])
    def reject_selected(
        self, request: HttpRequest, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        return self._ask_for(request, "reject", queryset)

    def run_selected(self, request: HttpRequest, name: str) -> HttpResponse:
        """Runs the confirmed action, and reports the outcome of each row."""
        verb = VERBS.get(name)
        if verb is None:
            raise Http404
        if not has_right(request.user, verb.right):
            raise PermissionDenied
        back = _list_with(request.GET.get("filters", ""))
        if request.method == "GET":
            return self._ask_again(request, name, back)
        form = BulkForm(request.POST)
        is_complete = form.is_valid()
        if "rows" in form.errors:
            messages.error(request, "Nothing was done. Select transactions on this list first.")
            return HttpResponseRedirect(back)
        seen = form.cleaned_data["rows"]
        rows = _of_ids(seen)
        for row in rows:
            row.retry_count = seen[row.pk].retries
        is_approval = verb is VERBS["approve"]
        has_changed = is_approval and _has_changed(_chosen(request, name, rows), seen)
        if has_changed or not is_complete or form.cleaned_data["again"]:
            return self._ask(request, name, rows, form, has_changed=has_changed)
        user, reason = request.user, form.cleaned_data["reason"]
        outcomes = run_each(rows, lambda row: verb.make(user, row, reason), origin_of(request))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.title}: results",
            "summary": summary(outcomes),
            "rows": outcomes,
            "back": back,
        }
        return TemplateResponse(request, "transactions/bulk_outcome.html", context)

    def _ask_for(
        self, request: HttpRequest, name: str, queryset: QuerySet[Transaction]
    ) -> HttpResponse | None:
        """Returns the page that asks for the reason; None leads back to the list."""
        rows = list(_with_words(queryset)[: MOST_ROWS + 1])
        if len(rows) > MOST_ROWS:
            messages.error(request, _TOO_MANY)
            return None
        read_beforehand(rows)
        return self._ask(request, name, rows, BulkForm())

    def _ask_again(self, request: HttpRequest, name: str, back: str) -> HttpResponse:
        """The page after a login: the browser still has the selection and the reason."""
        form = BulkForm(initial={"again": True})
        form.fields["reason"].widget = forms.HiddenInput()
        context = {
            **self.admin_site.each_context(request),
            "title": f"{VERBS[name].title} selected",
            "explanation": _AFTER_LOGIN,
            "button": "Show the selection",
        }
        return show_form(request, context, form=form, back=back)

    def _ask(
        self,
        request: HttpRequest,
        name: str,
        rows: Sequence[Transaction],
        form: BulkForm,
        *,
        has_changed: bool = False,
    ) -> HttpResponse:
        verb = VERBS[name]
        chosen = _chosen(request, name, rows)
        carry(form, "rows", _carried(chosen))
        carry(form, "again", "")
        filters = request.GET.get("filters", request.GET.urlencode())
        count = count_of(len(rows), "transaction")
        target = reverse("admin:transactions_selected", args=(name,))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{verb.title} {count}",
            "explanation": _EACH_BY_ITSELF,
            "selected": chosen,
            "has_changed": has_changed,
            "doubtful": doubtful(chosen),
            "together": together(chosen),
            "is_about_approval": verb.right == APPROVE,
            "target": f"{target}?{urlencode({'filters': filters})}",
        }
        back = _list_with(filters)
        template = "transactions/bulk.html"
        return show_form(request, context, form=form, back=back, template=template)


def _with_words(queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
    """Reads the related rows that a page shows; the batch decides whether a failure is final."""
    related = (*SIDES, "batch", "created_by")
    return queryset.select_related(*related).annotate(is_reversed=IS_REVERSED)


def _of_ids(ids: Any) -> list[Transaction]:
    found = list(_with_words(Transaction.objects.filter(pk__in=ids)).order_by("-id"))
    read_beforehand(found)
    return found


def _list_with(filters: str) -> str:
    page = reverse("admin:transactions_transaction_changelist")
    return f"{page}?{filters}" if filters else page


def _chosen(request: HttpRequest, name: str, rows: Sequence[Transaction]) -> list[SelectedRow]:
    verb = VERBS[name]
    if verb.right == APPROVE:
        return selected_requests(rows, request.user.pk, approves=name == "approve")
    return selected_rows(rows, verb.can_be)


def _carried(rows: Sequence[SelectedRow]) -> str:
    """The rows as the form carries them."""
    return " ".join(
        f"{row.transaction.pk}:{row.transaction.retry_count}:{row.mark}" for row in rows
    )


def _has_changed(rows: Sequence[SelectedRow], seen: Mapping[UUID, _Seen]) -> bool:
    """Whether an approval would come out otherwise than shown. What waits no more is refused."""
    return any(
        row.request is not None and seen[row.transaction.pk].mark not in (None, row.mark)
        for row in rows
    )
