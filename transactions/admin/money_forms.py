"""Forms of the buttons that move money."""

from contextlib import suppress
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminRadioSelectWidget

from accounts.models import Account
from core.console.admin import shown_money
from core.console.amounts import example_amount
from core.console.forms import AmountFormField, LineField, MomentField, set_currency
from transactions.admin.lookup import MOST, find_accounts


class MoneyForm(forms.Form):
    """`key` is the idempotency key. It is made with the empty form, and never changes after that.

    `foreseen` is the outcome that the last preview showed; empty before the first.
    """

    amount = AmountFormField(attrs={"autofocus": True})
    description = LineField(
        required=False, max_length=500, help_text="Purpose, which the customer can read."
    )
    effective_at = MomentField(
        label="Value date",
        required=False,
        help_text="The past moment from which the amount counts. Empty means now.",
    )
    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    foreseen = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)

    def __init__(self, data: Any, *, account: Account, user: Any) -> None:
        super().__init__(data)
        self.account, self.user = account, user
        set_currency(self, account.currency)
        amount = self.fields["amount"]
        amount.label = f"Amount in {account.currency}"
        amount.help_text = f"For example {example_amount(account.currency)}."
        if not settings.BANK_BACKDATE_DAYS:
            del self.fields["effective_at"]

    def content(self) -> dict[str, Any]:
        """The command's parameters, except the account and the key."""
        names = ("amount", "description", "effective_at")
        return {name: self.cleaned_data[name] for name in names if name in self.cleaned_data}

    def carried(self) -> dict[str, str]:
        """The fields that the preview passes on, as they were entered."""
        names = ("amount", "description", "effective_at", "key")
        return {name: self.data.get(name, "") for name in names if name in self.fields}


class TransferForm(MoneyForm):
    """Looks up the account to credit by number, id or name; staff choose one of several."""

    target = LineField(
        label="To account",
        max_length=200,
        help_text="Number, id, or a part of the name.",
        attrs={"autofocus": True, "autocomplete": "off"},
    )
    choice = forms.ChoiceField(
        label="Which of them?", required=False, widget=UnfoldAdminRadioSelectWidget
    )
    field_order = ("target", "choice", "amount", "description", "effective_at")

    def __init__(self, data: Any, *, account: Account, user: Any) -> None:
        super().__init__(data, account=account, user=user)
        self.found: list[Account] = []
        del self.fields["amount"].widget.attrs["autofocus"]
        self._look_up()

    def _look_up(self) -> None:
        """Looks up the entered text if it is valid; otherwise the field reports the error."""
        with suppress(ValidationError):
            text = self.fields["target"].clean(self.data.get("target"))
            self.found = find_accounts(text, user=self.user, source=self.account)
        if len(self.found) > 1:
            choices = [(str(account.pk), _in_words(account)) for account in self.found[:MOST]]
            self.fields["choice"].choices = choices  # type: ignore[attr-defined]
        else:
            del self.fields["choice"]

    def clean(self) -> dict[str, Any]:
        if "target" in self.cleaned_data:
            self._clean_target()
        return self.cleaned_data

    def _clean_target(self) -> None:
        if not self.found:
            self.add_error(
                "target", f"No open account in {self.account.currency} has this number or name."
            )
        elif len(self.found) > MOST and not self.cleaned_data.get("choice"):
            self.add_error("target", f"More than {MOST} accounts: write more of the name.")
        elif len(self.found) > 1 and not self.cleaned_data.get("choice"):
            self.add_error("choice", "Several accounts have this text in their name: choose one.")

    def target_account(self) -> Account:
        chosen = self.cleaned_data.get("choice")
        return next((one for one in self.found if str(one.pk) == chosen), self.found[0])

    def content(self) -> dict[str, Any]:
        return {"target_account_id": self.target_account().pk, **super().content()}

    def carried(self) -> dict[str, str]:
        """Passes on the account by its number: a name may match another account a moment later."""
        return {**super().carried(), "target": self.target_account().number}


def _in_words(account: Account) -> str:
    owner = f", owner {account.owner.get_username()}" if account.owner else ""
    balance = shown_money(account.balance, account.currency)
    return f"{account.number} {account.name}{owner} ({balance})"
