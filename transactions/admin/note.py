"""The list of notes, and a page for each."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.decorators import display

from core.console.admin import ReadOnlyModelAdmin, link_to
from core.console.admin_filters import DaysById
from transactions.admin.note_pages import ERASED, author_of
from transactions.admin.transaction_head import filled
from transactions.models import Note, Transaction
from transactions.models.note import SUBJECTS

# Characters of a text in a list.
_SHOWN = 200


def about_in_words(note: Note) -> str:
    """What the note is about: "Account 482910375614 Ada Lovelace"."""
    about = note.subject
    return str(about) if isinstance(about, Transaction) else f"{_kind(about)} {about}"


def beginning(note: Note) -> str:
    """The text, cut to what a line of a list holds."""
    return Truncator(note.text or ERASED).chars(_SHOWN)


def _kind(about: object) -> str:
    return type(about).__name__


@admin.register(Note)
class NoteAdmin(ReadOnlyModelAdmin):
    when_empty = "Nobody has written one yet. Accounts, customers and transactions have the form."
    list_display = ("at", "about", "shown_text", "author")
    list_select_related = (*SUBJECTS, "actor")
    list_filter = (("at", DaysById),)
    linked_by = SUBJECTS
    fieldsets = (
        ("Note", {"fields": ("whole_text", SUBJECTS, ("actor", "caller"), "at")}),
        (
            "Record",
            {
                "classes": ("collapse",),
                "fields": (
                    "id",
                    ("request_id", "address"),
                    ("idempotency_key", "request_fingerprint"),
                ),
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The groups, without what has no value: two of the three things, and a missing key."""
        fieldsets = super().get_fieldsets(request, obj)
        return filled(fieldsets, obj) if isinstance(obj, Note) else fieldsets

    @display(description="About")
    def about(self, note: Note) -> SafeString:
        return link_to(note.subject, about_in_words(note))

    @display(description="Text")
    def whole_text(self, note: Note) -> SafeString:
        """The text with its lines, in its own direction; or why there is none any more."""
        text = note.text or ERASED
        return format_html('<span class="bank-note-text" dir="auto">{}</span>', text)

    @display(description="Note")
    def shown_text(self, note: Note) -> str:
        return beginning(note)

    @display(description="By")
    def author(self, note: Note) -> str:
        return author_of(note)
