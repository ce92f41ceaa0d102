"""The head of a transaction's page: what it is, from whom to whom, and which fields to show."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode
from unfold.enums import ActionVariant

from accounts.models import Account
from core.console.admin import shown_money
from transactions.admin.filters import shown_status
from transactions.models import Transaction
from transactions.states import TransactionStatus

# Fields of the page, and the attribute that tells whether there is anything to show.
_TOLD_BY = {
    "failure": "failure_code",
    "reversal": "is_reversed",
    "needs_approval": "approval_required",
    "money_debit_balance_after": "debit_balance_after",
    "money_credit_balance_after": "credit_balance_after",
}


@dataclass(frozen=True, slots=True)
class PartyCard:
    """One of the two accounts. `balance_after` is "" if nothing was posted there."""

    side: str
    account: Account
    page: str
    balance_after: str


def head_of(transaction: Transaction, request: HttpRequest) -> dict[str, Any]:
    """The context of the head: headline, both sides, and the way to the audit log."""
    amount = shown_money(transaction.amount, transaction.currency)
    status = shown_status(transaction)
    headline = f"{transaction.get_type_display()} {amount} - {status}"
    return {
        "title": headline,
        "subtitle": None,
        "headline": headline,
        "parties": [
            _card("From", transaction.debit_account, transaction.debit_balance_after),
            _card("To", transaction.credit_account, transaction.credit_balance_after),
        ],
        "audit": _audit_of(transaction, request),
    }


def receipt_button(transaction: Transaction) -> list[dict[str, Any]]:
    """The button of the receipt, in the form of the theme's own; none for what is not completed.

    The receipts are in an app above this one, so the URL is looked up by name.
    """
    if transaction.status != TransactionStatus.COMPLETED:
        return []
    page = reverse("receipt", args=(transaction.pk,))
    icon, variant = "receipt_long", ActionVariant.DEFAULT
    return [{"title": "Receipt", "path": page, "icon": icon, "variant": variant}]


def filled(fieldsets: Any, row: Model) -> list[Any]:
    """The fieldsets without empty fields, and without groups that have none left."""
    shown = []
    for title, options in fieldsets:
        lines = []
        for line in options["fields"]:
            names = [line] if isinstance(line, str) else list(line)
            if kept := [name for name in names if _has_value(row, name)]:
                lines.append(tuple(kept))
        if lines:
            shown.append((title, {**options, "fields": tuple(lines)}))
    return shown


def _has_value(row: Model, name: str) -> bool:
    """Whether the field says anything; a flag that is off or a count of zero does not."""
    told_by = _TOLD_BY.get(name, name)
    return not hasattr(row, told_by) or bool(getattr(row, told_by) or 0)


def _card(side: str, account: Account, after: Any) -> PartyCard:
    page = reverse("admin:accounts_account_change", args=(account.pk,))
    return PartyCard(
        side, account, page, "" if after is None else shown_money(after, account.currency)
    )


def _audit_of(transaction: Transaction, request: HttpRequest) -> str:
    """The audit log of this transaction, for those who may read it.

    The log is in an app above this one, so its URL is looked up by name.
    """
    if not request.user.has_perm("transactions.read_audit"):
        return ""
    query = urlencode({"transaction": str(transaction.pk), "automatic": "on"})
    return f"{reverse('audit')}?{query}"
