"""The API of statements: those of an account, each in several formats, and interim ones."""

from operator import attrgetter
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.selectors import visible_account
from core import replica
from core.api.negotiation import FormatIsAParameter
from core.api.pagination import KeysetPagination
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction
from core.api.renderers import BankJSONRenderer, PDFRenderer, WrittenElsewhere, XLSXRenderer
from core.api.requests import parse_query
from statements.api import schema
from statements.api.serializers import InterimQuery, StatementListQuery, StatementQuery
from statements.contents import content_of, interim_content
from statements.documents.content import DocumentFormat
from statements.documents.render import CONTENT_TYPES
from statements.models import Statement
from statements.permissions import CanReadStatements
from statements.reads import (
    StatementsOfAccount,
    check_url,
    represent,
    visible_statement,
)
from statements.rendering import document_response
from transactions.api.csv_list import CSVRenderer
from transactions.statistics.spans import Calendar


class CamtRenderer(WrittenElsewhere):
    media_type = CONTENT_TYPES[DocumentFormat.CAMT]
    format = str(DocumentFormat.CAMT)


_RENDERERS: tuple[type[BaseRenderer], ...] = (
    BankJSONRenderer,
    PDFRenderer,
    XLSXRenderer,
    CSVRenderer,
    CamtRenderer,
)


class StatementViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Statements that were issued."""

    queryset = Statement.objects.all()
    content_negotiation_class = FormatIsAParameter
    http_method_names = ("get", "head")
    lookup_field = "statement_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "retrieve": CanReadStatements,
    }
    renderer_classes = _RENDERERS

    @schema.retrieve_statement
    def retrieve(self, request: Request, statement_id: UUID) -> HttpResponseBase:
        parse_query(StatementQuery, request)
        wanted = _wanted(request)

        def read() -> HttpResponseBase:
            statement = visible_statement(request.user, statement_id)
            content = content_of(statement, check_url=check_url(request, statement))
            return document_response(content, wanted)

        return replica.read(read)


class AccountStatementViewSet(RuleOfEachAction, viewsets.ViewSet):
    """The statements of an account, and interim ones."""

    queryset = Statement.objects.all()
    content_negotiation_class = FormatIsAParameter
    http_method_names = ("get", "head")
    lookup_field = "account_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "statements": CanReadStatements,
        "statement": CanReadStatements,
    }

    @schema.list_statements
    @action(detail=True, methods=["get"])
    def statements(self, request: Request, account_id: UUID) -> HttpResponse:
        parse_query(StatementListQuery, request)
        page = KeysetPagination.paginate(
            request,
            StatementsOfAccount(request.user, account_id),
            key=attrgetter("number"),
            kind="statements",
            parse_key=int,
        )
        return page.response(request, [represent(row) for row in page.results])

    @schema.interim_statement
    @action(detail=True, methods=["get"], renderer_classes=_RENDERERS)
    def statement(self, request: Request, account_id: UUID) -> HttpResponseBase:
        query = parse_query(InterimQuery, request)
        wanted = _wanted(request)
        account = visible_account(request.user, account_id)
        calendar = Calendar()
        start, end = calendar.start_of(query["from"]), calendar.start_of(query["to"])
        content = interim_content(account, start, end, ZoneInfo(calendar.name), wanted)
        return document_response(content, wanted)


def _wanted(request: Request) -> DocumentFormat:
    """The format of `?format=` or Accept."""
    accepted: Any = request.accepted_renderer
    return DocumentFormat(accepted.format)
