"""The API of notes: a list, and a new one, for each kind of thing that staff write about."""

from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from rest_framework import status, viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import visible_account
from core.api.idempotency import keyed_fields, replay_headers
from core.api.pagination import page_of, paginate_by_id
from core.api.permissions import RuleOfEachAction
from core.api.requests import PageQuery, origin_of, parse_body, parse_query, refuse_query
from core.commands import process
from core.errors import NotFound
from customers.selectors import visible_customer
from transactions.api import note_schema as schema
from transactions.api.note_schema import NoteBody, NoteSerializer
from transactions.api.permissions import CanReadNotes, CanWriteNotes
from transactions.commands import AddNote
from transactions.ledger.idempotency import Replay
from transactions.models import Note, Transaction
from transactions.reads.notes import notes_about


class NotesViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Notes about one thing. `subject` is its kind, and `subject_id` the parameter of its id."""

    subject: ClassVar[str]

    queryset = Note.objects.all()
    serializer_class = NoteSerializer
    http_method_names = ("get", "post", "head")
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "list": CanReadNotes,
        "create": CanWriteNotes,
    }

    def list(self, request: Request, **ids: UUID) -> HttpResponse:
        parse_query(PageQuery, request)
        subject_id = self._subject_id(request, ids)
        page = paginate_by_id(request, page_of(notes_about(self.subject, subject_id)))
        return page.response(request, NoteSerializer(page.results, many=True).data)

    def create(self, request: Request, **ids: UUID) -> Response:
        refuse_query(request)
        body = parse_body(NoteBody, request)
        self._subject_id(request, ids)
        content = {**ids, **body}
        command = AddNote(**content, **keyed_fields(request, AddNote.verb, content))
        result: Any = process([command], origin_of(request))[0]
        replayed = isinstance(result, Replay)
        note = result.as_note() if replayed else result
        return Response(
            NoteSerializer(note).data,
            status=status.HTTP_201_CREATED,
            headers=replay_headers(replayed),
        )

    def _subject_id(self, request: Request, ids: dict[str, UUID]) -> UUID:
        """The id in the path. Raises NotFound if the user sees no such thing."""
        subject_id = ids[f"{self.subject}_id"]
        self.find(request.user, subject_id)
        return subject_id

    def find(self, user: Any, subject_id: UUID) -> None:
        raise NotImplementedError


@schema.about_account
class AccountNotesViewSet(NotesViewSet):
    subject = "account"

    def find(self, user: Any, subject_id: UUID) -> None:
        visible_account(user, subject_id)


@schema.about_customer
class CustomerNotesViewSet(NotesViewSet):
    subject = "customer"

    def find(self, user: Any, subject_id: UUID) -> None:
        visible_customer(user, subject_id)


@schema.about_transaction
class TransactionNotesViewSet(NotesViewSet):
    subject = "transaction"

    def find(self, user: Any, subject_id: UUID) -> None:
        if not Transaction.objects.filter(pk=subject_id).exists():
            raise NotFound(f"There is no transaction {subject_id}.")
