"""The API of receipts."""

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from rest_framework import serializers, viewsets
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.api.conditions import answer
from core.api.fields import json_moment
from core.api.negotiation import FormatIsAParameter
from core.api.paths import CONVERTER
from core.api.permissions import RuleOfEachAction
from core.api.renderers import BankJSONRenderer, PDFRenderer
from core.api.requests import parse_query
from core.api.serializers import StrictSerializer
from core.money import format_amount
from core.temporary import temporary_file
from statements.receipts import schema
from statements.receipts.content import Receipt, ReceiptParty
from statements.receipts.read import printed_receipt, receipt_of
from transactions.api.permissions import CanReadTransactions


class ReceiptQuery(StrictSerializer):
    """Query parameters of a receipt."""

    format = serializers.ChoiceField(
        [("json", "for programs"), ("pdf", "one page to print")],
        required=False,
        help_text="Overrides Accept: `application/json` or `application/pdf`.",
    )


class ReceiptViewSet(RuleOfEachAction, viewsets.ViewSet):
    """Receipts of completed transactions, for those who may see the transaction."""

    content_negotiation_class = FormatIsAParameter
    renderer_classes = (BankJSONRenderer, PDFRenderer)
    http_method_names = ("get", "head")
    lookup_field = "transaction_id"
    lookup_value_converter = CONVERTER
    permission_by_action: ClassVar[dict[str, type[BasePermission]]] = {
        "retrieve": CanReadTransactions
    }

    @schema.receipt(ReceiptQuery)
    def retrieve(self, request: Request, transaction_id: UUID) -> HttpResponseBase:
        parse_query(ReceiptQuery, request)
        if getattr(request.accepted_renderer, "format", "") == PDFRenderer.format:
            return receipt_response(printed_receipt(request.user, transaction_id))
        return answer(request, represent_receipt(receipt_of(request.user, transaction_id)))


def receipt_response(receipt: Receipt) -> FileResponse:
    """The receipt as PDF, shown by the browser, which can print and save it."""
    from statements.receipts.pdf import write_receipt  # With a library of 12 MB: see `sheets`.

    file = temporary_file(partial(write_receipt, receipt))
    return FileResponse(
        file, filename=f"receipt-{receipt.transaction_id}.pdf", content_type=PDFRenderer.media_type
    )


def represent_receipt(receipt: Receipt) -> dict[str, Any]:
    """The members of `schema.ReceiptSerializer`."""
    return {
        "transaction_id": receipt.transaction_id,
        "bank": receipt.bank_name,
        "type": receipt.kind,
        "amount": format_amount(receipt.amount, receipt.currency),
        "currency": receipt.currency,
        "from": _party(receipt.debited),
        "to": _party(receipt.credited),
        "description": receipt.description,
        "completed_at": json_moment(receipt.completed_at),
        "effective_at": json_moment(receipt.effective_at),
        "reverses": receipt.reverses,
        "reversed_by": receipt.reversed_by,
    }


def _party(party: ReceiptParty | None) -> dict[str, Any] | None:
    if party is None:
        return None
    return {"account_id": party.account_id, "number": party.number, "name": party.name or None}
