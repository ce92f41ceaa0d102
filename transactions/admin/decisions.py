"""Buttons of a transaction's page: retry, reverse, cancel, approve, reject.

Each button opens a page that shows what the decision would do and asks for a reason. Then it runs
the same command as the API.
"""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action

from core.api.permissions import has_right
from core.commands import Command
from core.console.request_cache import RequestCache
from core.identifiers import parse_uuid
from transactions.admin.decision_page import decision_page
from transactions.api.permissions import (
    CanApproveTransactions,
    CanRetryTransactions,
    CanReverseTransactions,
)
from transactions.api.retrying import retry_by
from transactions.commands import Approve, Cancel, Reject, Reverse
from transactions.ledger.failures import is_retryable
from transactions.models import Transaction
from transactions.models.queries import SIDES
from transactions.states import TransactionStatus, TransactionType

RETRY = CanRetryTransactions.right
REVERSE = CanReverseTransactions.right
APPROVE = CanApproveTransactions.right

_DECIDED = RequestCache[Transaction | None]()

_DONE = {
    "Retry": "Retried",
    "Reverse": "Reversed",
    "Cancel": "Cancelled",
    "Approve": "Approved",
    "Reject": "Rejected",
}

# Called with transaction_id and reason.
Make = Callable[..., Command]


class DecisionActions:
    """Mixin for the admin of transactions. Rights and the present state decide on each button."""

    actions_detail = ("retry", "reverse", "approve", "reject", "cancel")
    admin_site: Any
    get_queryset: Callable[[HttpRequest], QuerySet[Transaction]]

    def has_retry_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, RETRY, is_retryable)

    def has_cancel_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, RETRY, is_pending)

    def has_reverse_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        def can_be(found: Transaction) -> bool:
            return is_reversible(found) and not being_reversed([found.pk])

        return self._may(request, object_id, REVERSE, can_be)

    def has_approve_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self._may(request, object_id, APPROVE, Transaction.waits_for_approval)

    def _may(
        self, request: HttpRequest, object_id: str, right: str, state: Callable[[Transaction], bool]
    ) -> bool:
        """Whether to show a button, by right and by the present state.

        For a submitted form, the command checks the state under its lock. So the second of two
        clicks gets an error code that explains why nothing is left to do. All buttons of a page
        share one read of the row.
        """
        if not has_right(request.user, right):
            return False
        rows = Transaction.objects.filter(pk__in=_ids(object_id))
        found = _DECIDED.get(request, rows.first)
        return found is not None and (request.method == "POST" or state(found))

    @action(description="Retry", url_path="retry", icon="replay", permissions=["retry"])
    def retry(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Retry", partial(retry_by, request.user))

    @action(description="Reverse", url_path="reverse", icon="undo", permissions=["reverse"])
    def reverse(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Reverse", Reverse)

    @action(description="Cancel", url_path="cancel", icon="cancel", permissions=["cancel"])
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Cancel", Cancel)

    @action(description="Approve", url_path="approve", icon="check", permissions=["approve"])
    def approve(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Approve", Approve, reason_required=False)

    @action(description="Reject", url_path="reject", icon="block", permissions=["approve"])
    def reject(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, "Reject", Reject)

    def _decide(
        self,
        request: HttpRequest,
        object_id: str,
        title: str,
        make: Make,
        *,
        reason_required: bool = True,
    ) -> HttpResponse:
        rows = Transaction.objects.select_related(*SIDES, "created_by")
        rows = rows.filter(pk__in=_ids(object_id))
        transaction = rows.first()
        if transaction is None:
            raise Http404
        pk = transaction.pk
        return decision_page(
            request,
            {**self.admin_site.each_context(request), "title": title},
            transaction=transaction,
            make=lambda reason: make(transaction_id=pk, reason=reason),
            done=_DONE[title],
            back=_back(request, transaction),
            reason_required=reason_required,
        )


def _back(request: HttpRequest, transaction: Transaction) -> str:
    """The inbox for users who came from there, else the transaction.

    The inbox is in an app above this one, so its URL is looked up by name.
    """
    if request.GET.get("from") == "approvals":
        return reverse("approvals")
    return reverse("admin:transactions_transaction_change", args=(transaction.pk,))


def is_pending(transaction: Transaction) -> bool:
    return transaction.status == TransactionStatus.PENDING


def is_reversible(transaction: Transaction) -> bool:
    """Whether its own state allows a reversal; `being_reversed` finds existing reversals."""
    completed = transaction.status == TransactionStatus.COMPLETED
    return completed and transaction.type != TransactionType.REVERSAL


def being_reversed(ids: Collection[UUID]) -> set[UUID]:
    """Ids of the transactions that have a posted or waiting reversal. One statement."""
    reversals = Transaction.objects.filter(reverses__in=ids)
    found = reversals.exclude(status=TransactionStatus.FAILED).values_list("reverses_id", flat=True)
    return {original for original in found if original is not None}


def _ids(text: str) -> list[UUID]:
    """The id in the path, in a list; empty if it is malformed."""
    try:
        return [parse_uuid(text)]
    except ValueError:
        return []
