"""The receipt in the console."""

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from core.api.permissions import has_right
from core.console.command_form import in_one_line
from core.errors import InvalidTransition, NotFound
from statements.receipts.api import receipt_response
from statements.receipts.read import printed_receipt
from transactions.api.permissions import CanReadTransactions


@require_safe
def receipt_page(request: HttpRequest, transaction_id: UUID) -> HttpResponseBase:
    """The PDF. Without one it leads back to the transaction, and says why."""
    if not has_right(request.user, CanReadTransactions.right):
        raise PermissionDenied
    try:
        return receipt_response(printed_receipt(request.user, transaction_id))
    except NotFound as error:
        raise Http404 from error
    except InvalidTransition as error:
        messages.error(request, in_one_line(error))
        return redirect("admin:transactions_transaction_change", transaction_id)
