"""Notes on the pages of what they are about, and the form that writes one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts.admin.customer_forms import NoteField
from accounts.models import Account
from core.api.idempotency import fingerprints
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.commands import process
from core.console.command_form import show_error, show_form
from core.errors import BankError
from customers.models import Customer
from customers.selectors import READ_RIGHT as CUSTOMERS_RIGHT
from customers.states import CustomerStatus
from transactions.admin.timeline import caller_in_words
from transactions.api.permissions import CanReadNotes, CanWriteNotes
from transactions.commands import AddNote
from transactions.ledger.idempotency import Replay
from transactions.models import Note, Transaction
from transactions.models.note import MAX_NOTE_LENGTH
from transactions.reads.notes import notes_about, notes_on_decision

# The newest notes, which a page shows; the list of notes has the others.
MOST_NOTES = 5
ERASED = "Erased: a customer whom it concerned is forgotten."

_MODELS: dict[str, type[Model]] = {
    "account": Account,
    "customer": Customer,
    "transaction": Transaction,
}


class NoteForm(forms.Form):
    """A new note. `key` makes a form that is sent twice take effect once."""

    returns_after_login = True  # As a form for money: a long note is not written twice.

    text = NoteField(
        label="Note",
        max_length=MAX_NOTE_LENGTH,
        help_text="For staff. Nobody can change or delete it later.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)


@dataclass(frozen=True, slots=True)
class ShownNote:
    """A note as a page shows it. `about` is empty where the page is about the same thing."""

    text: str
    who: str
    at: datetime
    is_erased: bool
    about: str = ""


@dataclass(frozen=True, slots=True)
class NotesSection:
    """The newest notes. `older` is the address of all, if there are more, and "" otherwise.

    `form` is None for users who may not write one, and where nobody may.
    """

    notes: list[ShownNote]
    older: str
    form: NoteForm | None
    target: str


def notes_section(request: HttpRequest, subject: str, row: Any) -> dict[str, Any]:
    """The context of the notes about `row`, which is a `subject`: one statement.

    Empty for users who may not read notes.
    """
    if not has_right(request.user, CanReadNotes.right):
        return {}
    notes, older = _newest(subject, row.pk)
    may_write = has_right(request.user, CanWriteNotes.right) and not _is_forgotten(row)
    section = NotesSection(
        notes=notes,
        older=older,
        form=NoteForm(auto_id="note_%s") if may_write else None,
        target=reverse("write-note", args=(subject, row.pk)),
    )
    return {"notes": section}


def notes_about_customer(request: HttpRequest, account: Account) -> dict[str, Any]:
    """The context of what staff noted about the account's customer: one statement.

    Empty without a customer or a note, and for users who may not read customers. The customer's
    own page has the form.
    """
    customer = account.customer
    if customer is None or not has_right(request.user, CUSTOMERS_RIGHT):
        return {}
    notes: list[ShownNote] = []
    older = ""
    if has_right(request.user, CanReadNotes.right):
        notes, older = _newest("customer", customer.pk)
    if not notes and not customer.note:
        return {}
    return {"customer_notes": {"remark": customer.note, "notes": notes, "older": older}}


def _newest(subject: str, subject_id: UUID) -> tuple[list[ShownNote], str]:
    """The newest notes, and the address of all; "" if these are all."""
    found = list(notes_about(subject, subject_id)[: MOST_NOTES + 1])
    older = ""
    if len(found) > MOST_NOTES:
        listed = reverse("admin:transactions_note_changelist")
        older = f"{listed}?{urlencode({subject: str(subject_id)})}"
    return [shown_note(note) for note in found[:MOST_NOTES]], older


def notes_for_decision(request: HttpRequest, transaction: Transaction) -> list[ShownNote]:
    """The newest notes about a transaction and its accounts, for those who may read them."""
    if not has_right(request.user, CanReadNotes.right):
        return []
    sides = {one.pk: one for one in (transaction.debit_account, transaction.credit_account)}
    return [
        shown_note(note, f"account {sides[note.account_id]}" if note.account_id else "")
        for note in notes_on_decision(transaction, MOST_NOTES)
    ]


def shown_note(note: Note, about: str = "") -> ShownNote:
    return ShownNote(note.text or ERASED, author_of(note), note.at, not note.text, about)


def author_of(note: Note) -> str:
    """The user who wrote it; else the program or the job."""
    return note.actor.get_username() if note.actor else caller_in_words(note.caller)


def note_page(request: HttpRequest, subject: str, subject_id: UUID) -> HttpResponse:
    """Writes the note of a form, and leads back to what it is about.

    A form that cannot be kept is shown again, with what was written.
    """
    model = _MODELS.get(subject)
    row: Any = model and model._default_manager.filter(pk=subject_id).first()
    if row is None:
        raise Http404
    app = row._meta.app_label
    rights = (CanReadNotes.right, CanWriteNotes.right, f"{app}.view_{subject}")
    if not all(has_right(request.user, right) for right in rights):
        raise PermissionDenied
    back = reverse(f"admin:{app}_{subject}_change", args=(subject_id,))
    form = NoteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            messages.success(request, _written(request, subject, subject_id, form.cleaned_data))
            return HttpResponseRedirect(f"{back}#notes")
        except BankError as error:
            show_error(form, error)
    context = {
        **admin.site.each_context(request),
        "title": "Write a note",
        "explanation": f"About {subject} {_named(row)}.",
    }
    return show_form(request, context, form=form, back=back)


def _written(request: HttpRequest, subject: str, subject_id: UUID, values: dict[str, Any]) -> str:
    """Writes the note, once for the form and its text. Returns the message to show."""
    text = values["text"]
    content = {f"{subject}_id": subject_id, "text": text}
    # Back leads to the form with its key: another text there is another note.
    key = uuid5(values["key"], text)
    command = AddNote(**content, idempotency_key=str(key), **fingerprints(AddNote.verb, content))
    result: Any = process([command], origin_of(request))[0]
    if isinstance(result, Replay):
        return "This note was kept before; nothing was repeated."
    return "The note is kept."


def _is_forgotten(row: Any) -> bool:
    """Whether it is a forgotten customer, or an account of one. Of a transaction see `AddNote`."""
    customer = row.customer if isinstance(row, Account) else row
    return isinstance(customer, Customer) and customer.status == CustomerStatus.FORGOTTEN


def _named(row: Any) -> str:
    """Words for what a note is about, after its kind: "482910375614 Ada Lovelace"."""
    return str(row.pk if isinstance(row, Transaction) else row)
