"""Base classes of all admin pages: cheap reads, and no way to change the ledger.

Banks have millions of rows. A list reads one page in the order of an index and counts no further
than `BoundedPaginator.limit`. Only a list within that limit can be sorted by a column. No list
counts facets.
"""

import re
from decimal import Decimal
from typing import Any, cast

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.views import ChangeList

from core.money import format_amount
from core.name_words import Words
from core.nearest_names import nearest_text

EMPTY = "-"
_CHECKBOX = (
    '<input type="checkbox" name="_selected_action" value="{}" class="action-select bank-check"'
    ' aria-label="Select this row">'
)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts at most `limit` rows. The rows beyond can be reached by a search or a filter."""

    limit = 10_000
    template_name = "core/pagination.html"

    @cached_property
    def _counted(self) -> int:
        assert isinstance(self.object_list, QuerySet)
        return self.object_list.order_by()[: self.limit + 1].count()

    @property
    def is_cut(self) -> bool:
        return self._counted > self.limit

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.limit)


class IndexOrderedChangeList(ChangeList):
    """Keeps the indexed order of its ModelAdmin. `?o=` sorts a list that can be sorted and, before
    any search, has no more rows than the paginator counts.
    """

    sortable_by: Any

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        if not self.sortable_by or (
            ORDER_VAR in self.params
            and self.model_admin.get_paginator(request, queryset, self.list_per_page).is_cut
        ):
            self.params.pop(ORDER_VAR, None)
            self.sortable_by = ()
        return list(super().get_ordering(request, queryset))

    def get_filters(self, request: HttpRequest) -> Any:
        """Filters by declared parameters only.

        Django would look up any column named by a parameter, even one that no page shows: digests
        and keys could be guessed letter by letter.

        Raises IncorrectLookupParameters, which makes the admin drop all filters.
        """
        if any("\x00" in value for values in request.GET.lists() for value in values[1]):
            raise IncorrectLookupParameters("PostgreSQL has no text with a NUL.")
        found = super().get_filters(request)
        undeclared = set(found[2]) - set(self.model_admin.linked_by)
        if undeclared:
            raise IncorrectLookupParameters("The list declares no such parameter.")
        return found

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if self.paginator.is_cut:
            self.sortable_by = ()
        self.meant = "" if self.result_count else self._nearest(request)
        # The foot of the list shows the number of rows, and whether the count stopped at the limit.
        self.full_result_count = self.result_count

    def _nearest(self, request: HttpRequest) -> str:
        """The nearest text to a search that finds nothing, if it finds rows; else ""."""
        of = self.model_admin
        meant = nearest_text(self.query, [of.words]) if self.query and of.words else ""
        found = (
            of.get_search_results(request, of.get_queryset(request), meant)[0] if meant else None
        )
        return meant if found is not None and found.exists() else ""


class BankModelAdmin(ModelAdmin):
    """A list whose cost does not depend on the size of its table, except for filters on columns
    without an index."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    list_max_show_all = 50
    list_filter_submit = True
    list_fullwidth = True
    sortable_by: tuple[str, ...] = ()
    empty_value_display = EMPTY
    # Parameters without a filter of their own, used by links from other pages.
    linked_by: tuple[str, ...] = ()
    # The words of the names of the rows, for the nearest name where a search finds nothing.
    words: Words = None
    # The text of an empty list: it says how the first row comes about.
    when_empty = "There are none yet."

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexOrderedChangeList

    def log_deletions(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Writes the entries one by one: of a bulk insert nobody could keep the origin."""
        logged: list[Any] = []
        for row in queryset:
            logged += super().log_deletions(request, [row])
        return logged

    @display(description="")  # type: ignore[untyped-decorator]
    def action_checkbox(self, row: Model) -> SafeString:
        """A tenth of the size of unfold's."""
        return format_html(_CHECKBOX, row.pk)


class _NeverChanged:
    """Nobody adds, changes or deletes these rows here, superusers included."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyModelAdmin(_NeverChanged, BankModelAdmin):
    """Read-only pages for users with the `view` right. Any POST is refused with 403.

    Staff change these rows by commands, each with a view of its own. `actions` on the selected
    rows, for users with the right to them, lead to these views.
    """

    actions: Any = None
    change_form_template = "core/record.html"
    ordering = ("-id",)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> list[type[TabularInline]]:
        """The inlines that have rows: nothing can be added to an empty one."""
        owner = self.opts.model_name
        return [
            inline
            for inline in self.inlines
            if inline.model._default_manager.filter(**{owner: obj}).exists()
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Django treats a POST without an action as a GET.
        if request.method not in ("GET", "HEAD") and not self._is_action(request):
            raise PermissionDenied
        return cast(HttpResponse, super().changelist_view(request, extra_context))

    def _is_action(self, request: HttpRequest) -> bool:
        """Whether the POST contains only an action that the user has the right to."""
        wanted = request.POST.getlist("action") if request.method == "POST" else []
        return bool(wanted) and set(wanted) <= {"", *self.get_actions(request)} and any(wanted)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        # Django's history lists only changes made by its own forms, and there are none.
        context = {**(extra_context or {}), "show_history": False}
        return cast(HttpResponse, super().changeform_view(request, object_id, form_url, context))


class ReadOnlyTabularInline(_NeverChanged, TabularInline):
    """Rows that belong to the page's row, a bounded number at a time."""

    extra = 0
    max_num = 0
    per_page = 20
    can_delete = False
    hide_title = True


def shown_amount(amount: Decimal | None, currency: str) -> str:
    """The exact amount with the currency's digits and thousands separators: "1,234,500.00"."""
    if amount is None:
        return EMPTY
    return f"{Decimal(format_amount(amount, currency)):,f}"


def shown_money(amount: Decimal | None, currency: str) -> str:
    """An amount with its currency: "1,234,500.00 USD". Internal accounts have no balance."""
    if amount is None:
        return EMPTY
    return f"{shown_amount(amount, currency)} {currency}"


# What the texts of the API say for programs: amounts without separators, ids, names of statuses.
_AMOUNT = re.compile(r"(?<![\d.,])\d{4,}(?:\.\d+)?(?= [A-Z]{3}\b)")
_ID = re.compile(r"\b(Account|Transaction) [0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_STATUS = re.compile(r"\b(?:PENDING|PROCESSING|COMPLETED|FAILED)\b")


def for_staff(sentence: str) -> str:
    """The words of an error as staff read them: "29,980.00 USD", no ids, no names in capitals."""
    sentence = _AMOUNT.sub(lambda found: f"{Decimal(found[0]):,f}", sentence)
    sentence = _ID.sub(lambda found: f"The {found[1].lower()}", sentence)
    return _STATUS.sub(lambda found: found[0].lower(), sentence)


def badge(text: str, colours: dict[str, str]) -> SafeString:
    """A state as a coloured label; `colours` gives the colour of each: success, info, warning or
    danger.
    """
    return format_html(
        '<span class="bank-badge bank-badge-{}">{}</span>', colours.get(text, "plain"), text
    )


def yes_or_no(value: bool) -> str:
    """Words for neutral facts: a red cross would suggest that something is wrong."""
    return "Yes" if value else "No"


def in_words(name: str) -> str:
    """A stored name as people read it: "credits_blocked" is "Credits blocked"."""
    return name.replace("_", " ").capitalize()


def link_to(row: Model, text: str) -> SafeString:
    """A link to the row's own page."""
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a class="text-link" href="{}">{}</a>', reverse(page, args=[row.pk]), text)
