"""The audit log of accounts: its list, and the newest events on an account's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from unfold.contrib.filters.admin import ChoicesRadioFilter
from unfold.decorators import display

from accounts.admin.filters import AccountFilter
from accounts.models import Account, AccountEvent, holders
from core.console.admin import EMPTY, ReadOnlyModelAdmin, ReadOnlyTabularInline, link_to, yes_or_no
from core.console.admin_filters import DaysById

_UNSET: tuple[Any, ...] = (None, "", {})


def changed_values(event: AccountEvent) -> list[tuple[str, str, str]]:
    """The event's changes in words: label, value before ("" if new), value after."""
    changes = []
    for name, after in event.after.items():
        before = event.before.get(name)
        if before == after or (not event.before and after in _UNSET):
            continue
        field: Any = Account._meta.get_field(name)
        old = _shown_value(event, field, before) if name in event.before else ""
        changes.append((capfirst(field.verbose_name), old, _shown_value(event, field, after)))
    return changes


def shown_changes(event: AccountEvent) -> str:
    """The event's changes in one line: "Name: Ada → Ada Lovelace; ..."."""
    changes = changed_values(event)
    words = (f"{label}: {old} → {new}" if old else f"{label}: {new}" for label, old, new in changes)
    return "; ".join(words) or EMPTY


def _shown_value(event: AccountEvent, field: Any, value: Any) -> str:
    if isinstance(value, bool):
        return yes_or_no(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items()) or "none"
    owner = event.account.owner
    if field.name == "owner" and owner is not None and value == owner.pk:
        return owner.get_username()
    customer = event.account.customer
    if field.name == "customer" and customer is not None:
        return customer.number
    return "none" if value in _UNSET else dict(field.flatchoices).get(value, str(value))


class AccountEventInline(ReadOnlyTabularInline):
    model = AccountEvent
    verbose_name_plural = "Events"
    ordering = ("-id",)
    fields = readonly_fields = ("at", "event", "actor", "reason", "changes")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("actor", *holders("account"))

    @display(description="Change")
    def changes(self, event: AccountEvent) -> str:
        return shown_changes(event)


@admin.register(AccountEvent)
class AccountEventAdmin(ReadOnlyModelAdmin):
    when_empty = "Nothing yet: the first event comes with the first account."
    list_display = ("at", "event", "of_account", "shown_actor", "reason", "changes", "address")
    list_select_related = (*holders("account"), "actor")
    list_filter = (AccountFilter, ("event", ChoicesRadioFilter), ("at", DaysById))
    fieldsets = (
        ("Event", {"fields": (("event", "at"), ("account", "actor"), "reason", "changes")}),
        ("Record", {"fields": (("id", "caller"), ("request_id", "address"), ("before", "after"))}),
    )

    @display(description="Account")
    def of_account(self, event: AccountEvent) -> SafeString:
        return link_to(event.account, str(event.account))

    @display(description="By")
    def shown_actor(self, event: AccountEvent) -> str:
        return event.actor.get_username() if event.actor else event.caller or EMPTY

    @display(description="Change")
    def changes(self, event: AccountEvent) -> str:
        return shown_changes(event)
