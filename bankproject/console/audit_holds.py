"""Holds in the audit log."""

from django.db.models import QuerySet
from django.urls import reverse

from accounts.models import holders
from bankproject.console.audit_records import AuditEntry, Wanted
from core.console.admin import shown_money
from transactions.models import HoldEvent
from transactions.states import HoldEventType


def hold_events(wanted: Wanted) -> QuerySet[HoldEvent]:
    """What became of holds. The captures of a transaction are among what concerns it."""
    rows = HoldEvent.objects.filter(wanted.by("actor"), wanted.within_ids())
    if wanted.account:
        rows = rows.filter(hold__account=wanted.account)
    if wanted.transaction_id:
        rows = rows.filter(transaction=wanted.transaction_id)
    if not wanted.automatic:
        rows = rows.filter(actor__isnull=False)
    return rows.select_related(*holders("hold__account"), "actor")


def hold_entry(event: HoldEvent) -> AuditEntry:
    hold = event.hold
    reserved = f"{shown_money(hold.amount, hold.currency)} held"
    left = f"{shown_money(event.held, hold.currency)} held"
    return AuditEntry(
        at=event.at,
        who=event.actor.get_username() if event.actor else event.caller,
        address=event.address or "",
        what=f"Hold: {event.get_event_display().lower()}",
        about=str(hold.account),
        id=str(hold.pk),
        link=reverse("admin:transactions_hold_change", args=(hold.pk,)),
        before="" if event.event == HoldEventType.PLACED else f"{reserved} at first",
        after=left if event.held else event.get_status_display(),
        reason=event.reason or hold.description,
        request_id=event.request_id,
    )
