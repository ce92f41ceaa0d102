"""Forms of holds, and the button of an account that places one."""

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.admin.buttons import AccountButtons, in_words
from accounts.models import holders
from core.api.permissions import has_right
from core.api.requests import origin_of
from core.console.admin import shown_money
from core.console.command_form import form_page
from core.console.forms import AmountFormField, MomentField, set_currency
from transactions.admin.money_forms import TransferForm, keyed
from transactions.api.permissions import CanPostTransactions
from transactions.commands import PlaceHold
from transactions.commands.holds import LONGEST_TIME, USUAL_TIME
from transactions.ledger.idempotency import Replay
from transactions.ledger.processor import process
from transactions.models import Hold
from transactions.models.queries import HOLD_IS_OPEN

# The most open holds on the page of an account.
_SHOWN = 10


class HoldForm(TransferForm):
    """A hold for another account; without one its captures pay cash out."""

    expires_at = MomentField(
        label="Until",
        required=False,
        help_text=f"From then on nothing can be captured: {LONGEST_TIME.days} days at most."
        f" Empty means in {USUAL_TIME.days} days.",
    )
    field_order = ("target", "choice", "amount", "description", "expires_at")

    def __init__(self, data: Any, *, account: Any, user: Any) -> None:
        super().__init__(data, account=account, user=user)
        self.fields.pop("effective_at", None)
        self.fields["target"].required = False
        self.fields["target"].label = "For account"
        self.fields["target"].help_text += " Empty for cash."

    def clean(self) -> dict[str, Any]:
        return super().clean() if self.cleaned_data.get("target") else self.cleaned_data

    def content(self) -> dict[str, Any]:
        names = ("amount", "description", "expires_at")
        values = {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}
        if self.cleaned_data.get("target"):
            values["target_account_id"] = self.target_account().pk
        return values


class CaptureForm(forms.Form):
    """`key` is the idempotency key: two clicks make one capture."""

    returns_after_login = True

    amount = AmountFormField(required=False, attrs={"autofocus": True})
    final = forms.BooleanField(
        required=False, label="Release the rest", help_text="Nothing more is captured then."
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, data: Any, *, hold: Hold) -> None:
        super().__init__(data)
        set_currency(self, hold.currency)
        amount = self.fields["amount"]
        amount.label = f"Amount in {hold.currency}"
        amount.help_text = f"Empty means all: {shown_money(hold.held, hold.currency)}."


class HoldButton(AccountButtons):
    """Mixin for the admin of accounts."""

    def has_hold_permission(self, request: HttpRequest, object_id: str = "") -> bool:
        return self.may(request, object_id, CanPostTransactions.right)

    @action(
        description="Hold",
        icon="pan_tool",
        variant=ActionVariant.PRIMARY,
        permissions=["view", "hold"],
    )
    def hold(self, request: HttpRequest, object_id: str) -> HttpResponse:
        account = self.get_object(request, object_id)
        assert account is not None, "The permission check has found the account."
        form = HoldForm(request.POST or None, account=account, user=request.user)

        def run(values: dict[str, Any]) -> str:
            content = {"account_id": account.pk, **form.content()}
            command = PlaceHold(**content, **keyed(PlaceHold.verb, content, values["key"]))
            result: Any = process([command], origin_of(request))[0]
            hold = result.as_hold() if isinstance(result, Replay) else result
            return f"{shown_money(hold.amount, hold.currency)} are held."

        context = {
            **self.admin_site.each_context(request),
            "title": "Hold money",
            "explanation": in_words(account),
        }
        back = reverse("admin:accounts_account_change", args=(account.pk,))
        return form_page(request, context, form=form, back=back, run=run)


def open_holds(request: HttpRequest, account: Any) -> dict[str, Any]:
    """What the page of an account shows of its open holds; one statement, if it has any."""
    if not account.held or not has_right(request.user, "transactions.view_hold"):
        return {}
    holds = Hold.objects.filter(HOLD_IS_OPEN, account=account)
    related = holds.select_related(*holders("target_account"))
    newest = list(related.order_by("-id")[: _SHOWN + 1])
    page = reverse("admin:transactions_hold_changelist")
    return {
        "open_holds": [
            {
                "amount": shown_money(hold.held, hold.currency),
                "page": reverse("admin:transactions_hold_change", args=(hold.pk,)),
                "hold": hold,
            }
            for hold in newest[:_SHOWN]
        ],
        "all_holds": f"{page}?account={account.pk}" if len(newest) > _SHOWN else "",
    }
