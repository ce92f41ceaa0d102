"""The OpenAPI schema of the routes of notes, and their bodies."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers

from accounts.schema import ACCOUNT_EXAMPLE, ACCOUNT_ID
from accounts.schema import TAG as ACCOUNTS_TAG
from core.api.describe import (
    IDEMPOTENCY_KEY,
    errors,
    page_example,
    page_of,
    request_example,
    response_example,
)
from core.api.fields import OffsetDateTimeField, StrictCharField
from core.api.requests import PageQuery
from core.api.serializers import StrictSerializer
from customers.schema import CUSTOMER_EXAMPLE, CUSTOMER_ID
from customers.schema import TAG as CUSTOMERS_TAG
from transactions.api.examples import TRANSFER_EXAMPLE
from transactions.api.parameters import TRANSACTION_ID
from transactions.api.schema import TAG as TRANSACTIONS_TAG
from transactions.models import Note
from transactions.models.note import MAX_NOTE_LENGTH

_EXAMPLE = {
    "note_id": "019ab0d4-1f20-7b3c-8000-4d5e6f708192",
    "text": "Rang on Monday. Wants a letter before any change.",
    "written_by": "tessa",
    "created_at": "2026-01-31T10:05:00.000000Z",
}


class NoteBody(StrictSerializer):
    """A new note."""

    text = StrictCharField(
        max_length=MAX_NOTE_LENGTH,
        multiline=True,
        help_text="For staff only. It cannot be changed.",
    )


class NoteSerializer(serializers.ModelSerializer[Note]):
    """A note, as staff see it."""

    note_id = serializers.UUIDField(source="id", help_text="Identifier (UUIDv7).")
    written_by = serializers.CharField(
        source="actor.username",
        default=None,
        allow_null=True,
        help_text="User name; null for a job of the bank.",
    )
    created_at = OffsetDateTimeField(source="at", help_text="When it was written (UTC).")

    class Meta:
        model = Note
        fields = ("note_id", "text", "written_by", "created_at")
        read_only_fields = fields


_PAGE = page_of(NoteSerializer, "NotePage")


def _about(tag: str, thing: str, parameter: OpenApiParameter, example_id: str) -> Any:
    """The descriptions of the two routes of notes about a thing, such as "account"."""
    path = f"{thing}s/{example_id}/notes/"
    return extend_schema_view(
        list=extend_schema(
            operation_id=f"{thing}s_notes",
            tags=[tag],
            summary=f"Notes on {_with_article(thing)}",
            description="What staff noted, newest first. For staff only. The text is empty once a"
            " customer whom it concerns is forgotten.",
            parameters=[parameter, PageQuery],
            responses=_PAGE,
            examples=[page_example(_EXAMPLE, path)],
        ),
        create=extend_schema(
            operation_id=f"{thing}s_add_note",
            tags=[tag],
            summary=f"Write a note on {_with_article(thing)}",
            description="Nobody can change or delete it. Possible in every state, also of closed"
            " accounts and archived transactions, but not where a forgotten customer is concerned.",
            parameters=[parameter, IDEMPOTENCY_KEY],
            request=NoteBody,
            responses={201: NoteSerializer},
            examples=[
                request_example({"text": _EXAMPLE["text"]}),
                response_example("Note", _EXAMPLE),
            ],
            extensions=errors("idempotency_key_reused", "invalid_transition"),
        ),
    )


def _with_article(thing: str) -> str:
    return f"{'an' if thing == 'account' else 'a'} {thing}"


about_account = _about(ACCOUNTS_TAG, "account", ACCOUNT_ID, ACCOUNT_EXAMPLE["account_id"])
about_customer = _about(CUSTOMERS_TAG, "customer", CUSTOMER_ID, CUSTOMER_EXAMPLE["customer_id"])
about_transaction = _about(
    TRANSACTIONS_TAG, "transaction", TRANSACTION_ID, TRANSFER_EXAMPLE["transaction_id"]
)
