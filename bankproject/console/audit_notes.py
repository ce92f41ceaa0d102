"""Notes in the audit log."""

from django.db.models import Q, QuerySet
from django.urls import reverse

from bankproject.console.audit_records import AuditEntry, Wanted
from transactions.admin.note import about_in_words, beginning
from transactions.models import Note
from transactions.models.note import SUBJECTS


def notes(wanted: Wanted) -> QuerySet[Note]:
    """Those about an account include those about its transactions and its customer."""
    rows = Note.objects.filter(wanted.by("actor"), wanted.within_ids())
    if wanted.account:
        about = Q(account=wanted.account)
        about |= Q(transaction__debit_account=wanted.account)
        about |= Q(transaction__credit_account=wanted.account)
        if wanted.account.customer_id:
            about |= Q(customer=wanted.account.customer_id)
        rows = rows.filter(about)
    if wanted.transaction_id:
        rows = rows.filter(transaction=wanted.transaction_id)
    if not wanted.automatic:
        rows = rows.filter(actor__isnull=False)
    return rows.select_related(*SUBJECTS, "actor")


def note_entry(note: Note) -> AuditEntry:
    about = note.subject._meta
    page = f"admin:{about.app_label}_{about.model_name}_change"
    return AuditEntry(
        at=note.at,
        who=note.actor.get_username() if note.actor else note.caller,
        address=note.address or "",
        what="Note: written",
        about=about_in_words(note),
        id=str(note.subject.pk),
        link=f"{reverse(page, args=(note.subject.pk,))}#notes",
        # The text stands in the note alone, so that it can be erased.
        after=beginning(note),
        request_id=note.request_id,
    )
