"""The payments that wait, on the page of their account."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.text import capfirst

from accounts.models import Account
from core import clock
from core.api.permissions import has_right
from core.days import shown_moment
from transactions.admin.decision_page import movement_in_words
from transactions.models import Transaction
from transactions.reads.lists import READ_RIGHT
from transactions.reads.waiting import waiting_on
from transactions.states import TransactionStatus

_SHOWN = 5


def waiting_payments(request: HttpRequest, account: Account) -> dict[str, Any]:
    """What the page of an account shows of payments that wait; one statement.

    Empty for users who may not read transactions, and for accounts of the bank itself: every
    deposit that waits is on one of those.
    """
    if account.balance is None or not has_right(request.user, READ_RIGHT):
        return {}
    found = waiting_on(account.pk, _SHOWN + 1)
    listed = reverse("admin:transactions_transaction_changelist")
    wanted = {"account": account.number, "status__exact": TransactionStatus.PENDING}
    return {
        "waiting": [
            {
                "words": capfirst(movement_in_words(one)),
                "for": _for_what(one),
                "description": one.description,
                "page": reverse("admin:transactions_transaction_change", args=(one.pk,)),
            }
            for one in found[:_SHOWN]
        ],
        "all_waiting": f"{listed}?{urlencode(wanted)}" if len(found) > _SHOWN else "",
    }


def _for_what(transaction: Transaction) -> str:
    """What it waits for, in words."""
    if transaction.waits_for_approval():
        return "waits for a second person to approve it"
    due_at = transaction.scheduled_for
    if due_at is not None and due_at > clock.about_now():
        return f"is scheduled for {shown_moment(due_at)}"
    return "waits in the queue"
