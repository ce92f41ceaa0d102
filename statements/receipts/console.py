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
from core.identifiers import parse_uuid
from statements.receipts.api import receipt_response
from statements.receipts.read import counter_receipt
from transactions.admin.outcome import RECEIPT_FOR
from transactions.api.permissions import CanReadTransactions


@require_safe
def receipt_page(request: HttpRequest, transaction_id: UUID) -> HttpResponseBase:
    """The PDF. Without one it leads back to the transaction, and says why.

    `?account=` is the account of the customer at the counter, whose balance the paper tells. Both
    sides of a transfer may be handed one, so without it neither balance of two customers is told.
    """
    if not has_right(request.user, CanReadTransactions.right):
        raise PermissionDenied
    try:
        return receipt_response(counter_receipt(request.user, transaction_id, _account(request)))
    except NotFound as error:
        raise Http404 from error
    except InvalidTransition as error:
        messages.error(request, in_one_line(error))
        return redirect("admin:transactions_transaction_change", transaction_id)


def _account(request: HttpRequest) -> UUID | None:
    try:
        return parse_uuid(request.GET.get(RECEIPT_FOR))
    except ValueError:
        return None
