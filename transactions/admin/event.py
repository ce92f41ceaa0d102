"""The list of transaction events; a transaction's page words its own events in its timeline."""

from django.contrib import admin
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import display

from core.console.admin import EMPTY, ReadOnlyModelAdmin, in_words, link_to
from core.console.admin_filters import DaysById
from transactions.admin.filters import shown_step
from transactions.models import TransactionEvent


@admin.register(TransactionEvent)
class TransactionEventAdmin(ReadOnlyModelAdmin):
    when_empty = "Nothing has been queued, retried or decided on yet."
    list_display = (
        "at",
        "shown_event",
        "step",
        "of_transaction",
        "attempt",
        "shown_actor",
        "reason",
    )
    list_select_related = ("transaction", "actor")
    list_filter = (("to_status", ChoicesRadioFilter), ("at", DaysById))
    linked_by = ("transaction",)
    fieldsets = (
        (
            "Event",
            {
                "fields": (
                    ("shown_event", "at"),
                    "step",
                    ("transaction", "attempt"),
                    ("actor", "caller"),
                    "reason",
                )
            },
        ),
        ("Record", {"fields": (("id", "detail"), ("request_id", "address"))}),
    )

    @display(description="Event")
    def shown_event(self, event: TransactionEvent) -> str:
        return in_words(event.event)

    @display(description="Status")
    def step(self, event: TransactionEvent) -> str:
        return " → ".join(shown_step(event))

    @display(description="Transaction")
    def of_transaction(self, event: TransactionEvent) -> SafeString:
        return link_to(event.transaction, event.transaction.get_type_display())

    @display(description="By")
    def shown_actor(self, event: TransactionEvent) -> str:
        return event.actor.get_username() if event.actor else event.caller or EMPTY
