"""Admin pages of customers: the list, a page for each customer, and their audit log."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import display

from accounts.admin.customer_buttons import CustomerButtons
from accounts.admin.filters import as_uuid
from core.console.admin import (
    EMPTY,
    ReadOnlyModelAdmin,
    ReadOnlyTabularInline,
    badge,
    in_words,
    link_to,
)
from core.console.admin_filters import DaysById
from customers.models import Customer, CustomerEvent
from customers.selectors import found_by
from customers.words import CustomerWord

_COLOURS = {"Active": "success", "Closed": "danger", "Forgotten": "danger"}


def changed_in_words(event: CustomerEvent) -> str:
    """The names of the details that changed: "Address, phone"."""
    return ", ".join(map(in_words, event.changed)).capitalize() or EMPTY


class CustomerEventInline(ReadOnlyTabularInline):
    model = CustomerEvent
    verbose_name_plural = "Events"
    ordering = ("-id",)
    fields = readonly_fields = ("at", "event", "actor", "reason", "changes")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("actor")

    @display(description="Change")
    def changes(self, event: CustomerEvent) -> str:
        return changed_in_words(event)


@admin.register(Customer)
class CustomerAdmin(CustomerButtons, ReadOnlyModelAdmin):
    when_empty = "No customer has been registered yet. Use the button above."
    list_display = ("number", "name", "kind", "email", "phone", "shown_status", "created_at")
    list_filter = (("status", ChoicesRadioFilter), ("kind", ChoicesRadioFilter))
    # Enables the search box; `get_search_results` does the search.
    search_fields = ("number",)
    words = CustomerWord
    search_help_text = "Number, name, e-mail, phone or id"
    actions_list: tuple[str, ...] = ("register",)
    actions_detail: tuple[str, ...] = (
        "change_details",
        "give_user",
        "close_customer",
        "reopen_customer",
    )
    inlines = (CustomerEventInline,)
    fieldsets = (
        (
            "Customer",
            {
                "fields": (
                    ("number", "kind"),
                    ("name", "user"),
                    ("birth_date", "registration_number"),
                    ("email", "phone"),
                    "address",
                    "note",
                )
            },
        ),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    ("id", "shown_status"),
                    ("created_at", "updated_at"),
                    ("idempotency_caller", "idempotency_key"),
                    "request_fingerprint",
                ),
            },
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """Finds an id or the start of a number by index; searches all customers for words."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if customer_id := as_uuid(term):
            return queryset.filter(pk=customer_id), False
        return queryset.filter(found_by(term)), False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Puts the buttons on the page itself, as the page of an account does."""
        context["buttons"] = context.pop("actions_detail", [])
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description="Status")
    def shown_status(self, customer: Customer) -> SafeString:
        return badge(customer.get_status_display(), _COLOURS)


@admin.register(CustomerEvent)
class CustomerEventAdmin(ReadOnlyModelAdmin):
    when_empty = "Nothing yet: the first event comes with the first customer."
    list_display = ("at", "event", "of_customer", "shown_actor", "reason", "changes", "address")
    list_select_related = ("customer", "actor")
    list_filter = (("event", ChoicesRadioFilter), ("at", DaysById))
    fieldsets = (
        ("Event", {"fields": (("event", "at"), ("customer", "actor"), "reason", "changes")}),
        ("Record", {"fields": (("id", "caller"), ("request_id", "address"), "changed")}),
    )

    @display(description="Customer")
    def of_customer(self, event: CustomerEvent) -> SafeString:
        return link_to(event.customer, str(event.customer))

    @display(description="By")
    def shown_actor(self, event: CustomerEvent) -> str:
        return event.actor.get_username() if event.actor else event.caller or EMPTY

    @display(description="Change")
    def changes(self, event: CustomerEvent) -> str:
        return changed_in_words(event)
